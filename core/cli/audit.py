"""`onboarding audit …`"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, get_args

import typer

from core.cli.credentials import REFUSED, terminal_actor
from core.cli.input import BAD_INPUT
from core.cli.output import Json, as_json, fail, opened, plain, table
from core.domain.audit import ENDINGS, Ending
from core.services.audit import PAGE, TrailFilter, list_trail, verify_trail

app = typer.Typer(no_args_is_help=True)

Since = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="From then on, UTC.")]
Until = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="Until then, UTC; a day is meant with its end."),
]
Who = Annotated[str, typer.Option(help="Part of the name of who did it.")]
Action = Annotated[list[str] | None, typer.Option(help="An action, or its beginning with a dot: credentials.")]
Subject = Annotated[str, typer.Option(help="Part of what it was done to.")]
EndedAs = Annotated[list[str] | None, typer.Option("--outcome", help="done, refused or failed.")]
Address = Annotated[str, typer.Option(help="Part of the network address that it came from.")]


@app.callback()
def group() -> None:
    """What was done, by whom, from where, and how it ended."""


@app.command("list")
def list_events(
    since: Since = None,
    until: Until = None,
    who: Who = "",
    action: Action = None,
    subject: Subject = "",
    outcome: EndedAs = None,
    address: Address = "",
    page: Annotated[int, typer.Option(min=1, help=f"Which page of {PAGE} lines; the first is the newest.")] = 1,
    json: Json = False,
) -> None:
    """List events, the newest first."""
    wanted = _filter(since, until, who, action, subject, outcome, address)
    with opened() as workspace:
        found = list_trail(terminal_actor(workspace), workspace, wanted, (page - 1) * PAGE)
    if json:
        as_json({"total": found.total, "lines": [line.model_dump(mode="json") for line in found.lines]})
        return
    table(
        ["Line", "When", "Who", "From", "What", "Subject", "Outcome", "Details"],
        [
            [
                line.id,
                f"{line.at:%Y-%m-%d %H:%M:%S}" if line.at else "unreadable",
                line.actor,
                " ".join(filter(None, (line.via, line.address))),
                line.action,
                line.subject,
                line.outcome,
                line.said,
            ]
            for line in found.lines
        ],
    )
    pages = -(-found.total // PAGE)
    plain(f"{found.total:,} events." if pages <= 1 else f"{found.total:,} events, page {page} of {pages:,}.")


@app.command()
def verify(json: Json = False) -> None:
    """Look for lines that were altered, removed, inserted or moved. Exit 0: the trail is whole, 1: it is not."""
    with opened() as workspace:
        report = verify_trail(terminal_actor(workspace), workspace)
    if json:
        as_json(
            {
                "whole": report.whole,
                "lines": report.lines,
                "begun": report.begun.isoformat() if report.begun else None,
                "earlier": report.earlier,
                "faults": [{"id": one.id, "kind": one.kind.value, "what": one.what} for one in report.faults],
                "more": report.more,
            }
        )
    else:
        for fault in report.faults:
            plain(f"{fault.kind.value}: {fault.what}")
        if report.more:
            plain(f"So it is with {report.more:,} more.")
        plain(report.summary)
    if not report.whole:
        raise typer.Exit(REFUSED)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="File to write: its name ends in .csv or .jsonl.")],
    since: Since = None,
    until: Until = None,
    who: Who = "",
    action: Action = None,
    subject: Subject = "",
    outcome: EndedAs = None,
    address: Address = "",
    json: Json = False,
) -> None:
    """Write events to a file, the oldest first. Exit 2: bad input."""
    from core.services.audit_export import export_trail, form_of  # noqa: PLC0415 - no other command waits for Polars

    wanted = _filter(since, until, who, action, subject, outcome, address)
    form = form_of(file)
    if form is None:
        fail(f"{file} ends in neither .csv nor .jsonl.", BAD_INPUT)
    if file.exists():
        fail(f"{file} exists already. Choose another name.", BAD_INPUT)
    with opened() as workspace:
        problem = export_trail(terminal_actor(workspace), workspace, wanted, form, file)
    if problem:
        fail(str(problem), BAD_INPUT)
    if json:
        as_json({"file": str(file), "form": form})
    else:
        plain(f"Written: {file}")


def _filter(
    since: datetime | None,
    until: datetime | None,
    who: str,
    action: list[str] | None,
    subject: str,
    outcome: list[str] | None,
    address: str,
) -> TrailFilter:
    ended: list[Ending] = []
    for one in outcome or []:
        if one not in get_args(Ending):
            fail(f"--outcome: there is no {one}. Choose {', '.join(ENDINGS)}.", BAD_INPUT)
        ended.append(one)  # type: ignore[arg-type]  # one of them, as was just asked
    end = until.replace(tzinfo=UTC) if until else None
    if end and end.time() == end.min.time():
        end += timedelta(days=1)
    return TrailFilter(
        since=since.replace(tzinfo=UTC) if since else None,
        until=end,
        actor=who,
        actions=tuple(action or []),
        subject=subject,
        outcomes=tuple(ended),
        address=address,
    )
