"""`onboarding requests …`: ask for an account or a copy of one, and follow it until it is answered."""

from datetime import datetime
from typing import Annotated, Any

import typer

from core.cli.credentials import REFUSED, terminal_actor
from core.cli.input import BAD_INPUT, File, read_form
from core.cli.output import Json, as_json, fail, opened, plain, table
from core.domain.credentials import FieldProblem
from core.domain.requests import LABELS, RequestDraft
from core.services.request_answers import grant, poll_answers, refuse
from core.services.request_views import list_requests, show_request
from core.services.requests import Outcome, annotate, delete_draft, mark_sent, remind, save_draft, send

app = typer.Typer(no_args_is_help=True)

Id = Annotated[str, typer.Argument(help="ID of the request.")]
_NOT_OF_THE_INPUT = {"form", "state"}
_EXAMPLE = '{"region": …, "full_name": …, "email": …}'


@app.command("list")
def list_all(json: Json = False) -> None:
    """List all requests. The sandbox is asked for its answers first."""
    with opened() as workspace:
        actor = terminal_actor(workspace)
        poll_answers(actor, workspace)
        rows = list_requests(actor, workspace)
    if json:
        as_json([row.model_dump(mode="json") | {"unsure": row.unsure} for row in rows])
        return
    table(
        ["ID", "Request", "State", "Region", "Company", "Owner", "Sent", "Answered", "Account ID"],
        [
            [
                row.id,
                row.title,
                "may have been sent" if row.unsure else row.state,
                row.region,
                row.company,
                row.owner,
                _time(row.sent),
                _time(row.answered),
                row.granted_account_id,
            ]
            for row in rows
        ],
    )


@app.command()
def show(request_id: Id, json: Json = False) -> None:
    """Show one with its letter and events. The sandbox is asked for its answer first."""
    with opened() as workspace:
        actor = terminal_actor(workspace)
        poll_answers(actor, workspace)
        details = show_request(actor, workspace, request_id)
    if details is None:
        fail(f"There is no request {request_id}. Look at `onboarding requests list`.", BAD_INPUT)
    if json:
        as_json(details.model_dump(mode="json") | {"unsure": details.unsure})
        return
    plain(f"{details.title}: {'may have been sent' if details.unsure else details.state}")
    plain(f"Region {details.region}, owner {details.owner or 'nobody'}, sent {_time(details.sent) or 'not yet'}")
    if details.granted_account_id:
        plain(f"Granted as the account {details.granted_account_id}")
    table(["Field", "Value"], [[label, getattr(details, name)] for name, label in LABELS.items()])
    if details.notes:
        plain(details.notes)
    letter = details.mail or details.reminder
    if letter:
        plain(f"\n{letter.text}\n{letter.link}")


@app.command()
def add(
    file: File,
    at_once: Annotated[bool, typer.Option("--send", help="Send it at once.")] = False,
    json: Json = False,
) -> None:
    """Keep a request as a draft, or send it. Exit 0: done, 1: could not be sent, 2: bad input."""
    draft, problems = read_form(file, RequestDraft, _EXAMPLE)
    outcome = Outcome(problems=problems)
    with opened() as workspace:
        actor = terminal_actor(workspace)
        if draft:
            outcome = save_draft(actor, workspace, draft)
        if at_once and outcome.request:
            sent = send(actor, workspace, outcome.request.id)
            outcome = Outcome(sent.request or outcome.request, sent.problems, sent.mail)
    _end(outcome, json)


@app.command("send")
def send_one(
    request_id: Id,
    again: Annotated[bool, typer.Option("--again", help="Also one that may have been sent already.")] = False,
    json: Json = False,
) -> None:
    """Send a draft: to the sandbox, by the mail server, or as a letter for your own mail program."""
    with opened() as workspace:
        outcome = send(terminal_actor(workspace), workspace, request_id, again=again)
    _end(outcome, json)


@app.command()
def sent(request_id: Id, json: Json = False) -> None:
    """Say that you sent a draft by your own mail program."""
    with opened() as workspace:
        outcome = mark_sent(terminal_actor(workspace), workspace, request_id)
    _end(outcome, json)


@app.command("grant")
def grant_one(
    request_id: Id,
    account_id: Annotated[str, typer.Argument(help="Account ID of the new account, 12 digits.")],
    region: Annotated[str | None, typer.Option(help="Its Region; the wanted one when not given.")] = None,
    json: Json = False,
) -> None:
    """Say that a request was granted; its account becomes known."""
    with opened() as workspace:
        actor = terminal_actor(workspace)
        details = show_request(actor, workspace, request_id)
        outcome = grant(actor, workspace, request_id, account_id, region or (details.region if details else ""))
    _end(outcome, json)


@app.command("refuse")
def refuse_one(
    request_id: Id, reason: Annotated[str, typer.Option(help="Why; goes to the notes.")] = "", json: Json = False
) -> None:
    """Say that a request was refused."""
    with opened() as workspace:
        outcome = refuse(terminal_actor(workspace), workspace, request_id, reason)
    _end(outcome, json)


@app.command("remind")
def remind_one(request_id: Id, json: Json = False) -> None:
    """Ask again for the answer to a request."""
    with opened() as workspace:
        outcome = remind(terminal_actor(workspace), workspace, request_id)
    _end(outcome, json)


@app.command()
def note(
    request_id: Id,
    owner: Annotated[str | None, typer.Option(help="Who answers for it here.")] = None,
    notes: Annotated[str | None, typer.Option(help="Notes, in place of those before.")] = None,
    json: Json = False,
) -> None:
    """Set the owner or the notes of a request."""
    with opened() as workspace:
        actor = terminal_actor(workspace)
        details = show_request(actor, workspace, request_id)
        before = (details.owner, details.notes) if details else ("", "")
        outcome = annotate(
            actor,
            workspace,
            request_id,
            owner=before[0] if owner is None else owner,
            notes=before[1] if notes is None else notes,
            seen=details.modified if details else None,
        )
    _end(outcome, json)


@app.command()
def delete(request_id: Id, json: Json = False) -> None:
    """Delete a draft."""
    with opened() as workspace:
        problem = delete_draft(terminal_actor(workspace), workspace, request_id)
    if problem:
        _end(Outcome(problems=[problem]), json)
    elif json:
        as_json({"id": request_id, "deleted": True})
    else:
        plain("The draft was deleted.")


def _end(outcome: Outcome, json: bool) -> None:
    """Print what became of it, and end with exit code 1 for a refusal, 2 for bad input."""
    request, mail = outcome.request, outcome.mail
    if json:
        answer: dict[str, Any] = {
            "id": request.id if request else None,
            "state": request.state if request else None,
            "unsure": bool(request and request.unsure),
            "problems": [problem.model_dump() for problem in outcome.problems],
            "mail": mail.model_dump() | {"link": mail.link} if mail else None,
        }
        as_json(answer)
    else:
        for problem in outcome.problems:
            plain(f"{problem.field}: {problem}", error=True)
        if request:
            plain(f"{request.id}: {'may have been sent' if request.unsure else request.state}")
        if mail:
            plain(f"\n{mail.text}\n{mail.link}")
        if mail and request and request.state == "draft":
            plain(f"Send this letter, then say so: onboarding requests sent {request.id}")
    if outcome.problems:
        raise typer.Exit(_code(outcome.problems))


def _code(problems: list[FieldProblem]) -> int:
    return REFUSED if all(problem.field in _NOT_OF_THE_INPUT for problem in problems) else BAD_INPUT


def _time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else ""
