"""Requests for cloud accounts: written, sent, asked about again."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from core.domain.actor import Actor
from core.domain.credentials import FieldProblem
from core.domain.requests import (
    Mail,
    RequestDraft,
    draft_problems,
    request_problems,
)
from core.sandbox.control import ControlError, ask_account
from core.services.mail import MailProblem, MailTrouble, send_mail
from core.services.request_views import RequestView, in_sight, letter, reminder, way_of
from core.services.rights import use_case
from core.services.scope import Scope, regions_for, scope_of
from core.services.use_case import Change, changing
from core.services.workspace import Workspace
from core.store.columns import now
from core.store.tables.accounts import AccountRequest

OWNER_LENGTH = 64
NOTES_LENGTH = 4000

_MEANWHILE = {
    "draft": "It is a draft and was not sent.",
    "sent": "It was sent.",
    "granted": "It was granted.",
    "refused": "It was refused.",
}


@dataclass(frozen=True)
class Outcome:
    """What became of a step. `request` is as it is now, None when there is none; with problems nothing else was done.
    `mail` is a letter that the person's own mail program is to send now."""

    request: RequestView | None = None
    problems: list[FieldProblem] = field(default_factory=list)
    mail: Mail | None = None


@use_case
def save_draft(
    actor: Actor,
    workspace: Workspace,
    draft: RequestDraft,
    request_id: str | None = None,
    *,
    seen: datetime | None = None,
) -> Outcome:
    """Keep a draft, finished or not: a new one, or in place of the draft `request_id`. `seen` is its `modified` as the
    person saw it, so that a change by somebody else is noticed. Its owner is at first who wrote it.

    Raises StoreError when the store refuses."""
    problems = draft_problems(draft)
    if problems:
        return Outcome(problems=problems)
    with changing(actor, workspace, "request.edit" if request_id else "request.draft") as change:
        if request_id is None:
            row = AccountRequest(kind=draft.kind, region=draft.region, owner=actor.name)
            change.session.add(row)
        else:
            found, problem = in_state(change.session, scope_of(actor, workspace), request_id, "draft", seen)
            if found is None or problem:
                return Outcome(problems=[problem] if problem else [])
            row = found
        for name, value in draft.model_dump(exclude={"terms_accepted"}).items():
            setattr(row, name, value)
        row.terms_accepted = (row.terms_accepted or now()) if draft.terms_accepted and draft.kind == "new" else None
        return done(change, row, kind=row.kind, region=row.region)


@use_case
def delete_draft(actor: Actor, workspace: Workspace, request_id: str) -> FieldProblem | None:
    """Delete a draft; what was sent stays. None when done, else what is wrong.

    Raises StoreError when the store refuses."""
    with changing(actor, workspace, "request.delete") as change:
        row, problem = in_state(change.session, scope_of(actor, workspace), request_id, "draft")
        if row is None or problem:
            return problem
        if row.sent:
            what = "It may have been sent, so it is not deleted."
            return FieldProblem(field="form", what=what, mend="Mark it as sent, then record what was answered.")
        change.session.delete(row)
        change.record(row.id)
    return None


@use_case
def send(
    actor: Actor, workspace: Workspace, request_id: str, *, seen: datetime | None = None, again: bool = False
) -> Outcome:
    """Send a draft: to the sandbox when the wanted Region is its own, by the mail server when there is one. Otherwise
    the outcome has the letter for the person's own mail program, and the request stays a draft until `mark_sent`.

    The attempt is recorded before it is made, and its end after it: a request whose end is not known says that it may
    have been sent, and goes out a second time only with `again`.

    Raises StoreError when the store refuses."""
    with changing(actor, workspace, "request.send") as change:
        row, problems = _sendable(change, workspace, request_id, seen, again=again)
        if row is None or problems:
            return Outcome(problems=problems)
        way = way_of(workspace, row.region)
        before = row.sent_by, row.sent
        if way != "mail":
            row.sent_by, row.sent = way, now()
        begun = done(change, row, way=way)
    view = begun.request
    if view is None or way == "mail":
        return Outcome(view, mail=letter(workspace, view) if view else None)
    ticket, trouble = _hand_over(workspace, view)
    sure = not (trouble and trouble.maybe_sent)
    action = "request.not_sent" if trouble and sure else "request.unsure" if trouble else "request.sent"
    with changing(actor, workspace, action) as change:
        row, problem = in_state(change.session, scope_of(actor, workspace), request_id, "draft", view.modified)
        if row is None or problem:  # somebody was faster and has said how it ended
            return Outcome(problems=[problem] if problem else [])
        if trouble is None:
            row.state, row.ticket = "sent", ticket
        elif sure:
            row.sent_by, row.sent = before  # an attempt before this one may have been sent all the same
        ended = done(change, row, way=way, **({"trouble": trouble.trouble.value} if trouble else {}))
    said = [FieldProblem(field="form", what=trouble.what, mend=trouble.mend)] if trouble else []
    return Outcome(ended.request, said)


@use_case
def mark_sent(actor: Actor, workspace: Workspace, request_id: str, *, seen: datetime | None = None) -> Outcome:
    """Record that a person sent a draft by their own mail program, or that one that may have been sent was.

    Raises StoreError when the store refuses."""
    with changing(actor, workspace, "request.sent") as change:
        row, problems = _sendable(change, workspace, request_id, seen, again=True)
        if row is None or problems:
            return Outcome(problems=problems)
        if row.sent is None:
            row.sent_by, row.sent = "mail", now()
        row.state = "sent"
        return done(change, row, way=row.sent_by)


@use_case
def remind(actor: Actor, workspace: Workspace, request_id: str, *, seen: datetime | None = None) -> Outcome:
    """Ask again for the answer to a sent request: by the mail server when there is one, else the outcome has the letter
    for the person's own mail program. When that was is kept in `reminded`.

    Raises StoreError when the store refuses."""
    with changing(actor, workspace, "request.remind") as change:
        row, problem = in_state(change.session, scope_of(actor, workspace), request_id, "sent", seen)
        if row is None or problem:
            return Outcome(problems=[problem] if problem else [])
        if row.sent_by == "sandbox":
            what = "The sandbox answers by itself, while it runs."
            return Outcome(problems=[FieldProblem(field="form", what=what, mend="Start it with: onboarding sandbox")])
        way = way_of(workspace, row.region)
        before, row.reminded = row.reminded, now()
        begun = done(change, row, way=way)
    view = begun.request
    if view is None:
        return begun
    letter = reminder(workspace, view)
    if way == "mail":
        return Outcome(view, mail=letter)
    trouble = send_mail(workspace.settings, letter)
    if trouble is None or trouble.maybe_sent:
        problems = [FieldProblem(field="form", what=trouble.what, mend=trouble.mend)] if trouble else []
        return Outcome(view, problems)
    with changing(actor, workspace, "request.not_reminded") as change:
        row, _ = in_state(change.session, scope_of(actor, workspace), request_id, None, view.modified)
        if row:
            row.reminded = before
            view = done(change, row, trouble=trouble.trouble.value).request
    return Outcome(view, [FieldProblem(field="form", what=trouble.what, mend=trouble.mend)])


@use_case
def annotate(
    actor: Actor, workspace: Workspace, request_id: str, *, owner: str, notes: str, seen: datetime | None = None
) -> Outcome:
    """Set who answers for a request here, and its notes, in any state.

    Raises StoreError when the store refuses."""
    owner, notes = owner.strip(), notes.strip()
    bounds = (("owner", "The owner", owner, OWNER_LENGTH), ("notes", "The notes", notes, NOTES_LENGTH))
    problems = [
        FieldProblem(field=name, what=f"{label}: {len(value)} characters; {most} is the most.", mend="Shorten it.")
        for name, label, value, most in bounds
        if len(value) > most
    ]
    if problems:
        return Outcome(problems=problems)
    with changing(actor, workspace, "request.annotate") as change:
        row, problem = in_state(change.session, scope_of(actor, workspace), request_id, None, seen)
        if row is None or problem:
            return Outcome(problems=[problem] if problem else [])
        row.owner, row.notes = owner, notes
        return done(change, row, owner=owner)


def in_state(
    session: Session, scope: Scope, request_id: str, state: str | None, seen: datetime | None = None
) -> tuple[AccountRequest | None, FieldProblem | None]:
    """The request, and what keeps it from being changed: it is in another state, or was changed since `seen`."""
    row = session.get(AccountRequest, request_id)
    if row is None or not in_sight(scope, row):
        what = f"There is no request {request_id}, or somebody deleted it."
        return None, FieldProblem(field="id", what=what, mend="Look at the list.")
    if state is not None and row.state != state:
        what = {"draft": "Only a draft can be changed like this.", "sent": "Only a sent request can be answered."}[
            state
        ]
        mend = "Mark it as sent first." if row.state == "draft" else "Look at it again: somebody may have been faster."
        return row, FieldProblem(field="state", what=f"{_MEANWHILE[row.state]} {what}", mend=mend)
    if seen is not None and row.modified != seen:
        what = "Somebody changed this request meanwhile."
        return row, FieldProblem(field="form", what=what, mend="Look at it again, then repeat your change.")
    return row, None


def done(change: Change, row: AccountRequest, **details: Any) -> Outcome:
    """End a step: record it, and give the request as it is now."""
    row.modified = now()
    change.record(row.id, outcome="failed" if "trouble" in details else "done", **details)
    return Outcome(RequestView.model_validate(row))


def _sendable(
    change: Change, workspace: Workspace, request_id: str, seen: datetime | None, *, again: bool
) -> tuple[AccountRequest | None, list[FieldProblem]]:
    """The draft, and everything that keeps it from going out."""
    row, problem = in_state(change.session, scope_of(change.actor, workspace), request_id, "draft", seen)
    if row is None or problem:
        return row, [problem] if problem else []
    view = RequestView.model_validate(row)
    problems = request_problems(view.draft, regions_for(change.actor, workspace))
    if view.unsure and not again:
        what = f"It may have been sent already, on {view.sent:%Y-%m-%d at %H:%M} UTC."
        problems.append(
            FieldProblem(field="form", what=what, mend="Ask the recipient. Mark it as sent, or send it again.")
        )
    twins = change.session.exec(
        select(AccountRequest).where(
            AccountRequest.state == "sent",
            AccountRequest.id != row.id,
            AccountRequest.kind == row.kind,
            AccountRequest.email == row.email,
            AccountRequest.region == row.region,
            AccountRequest.from_account_id == row.from_account_id,
        )
    ).all()
    for twin in twins[:1]:
        what = f"The same email asked for {row.region} on {twin.sent:%Y-%m-%d}, and waits for the answer."
        problems.append(FieldProblem(field="form", what=what, mend="Wait for it, or record its answer first."))
    return row, problems


def _hand_over(workspace: Workspace, view: RequestView) -> tuple[str, MailProblem | None]:
    """Send it now. Gives the sandbox's ticket, and what went wrong."""
    if view.sent_by == "smtp":
        return "", send_mail(workspace.settings, letter(workspace, view))
    names = ("kind", "region", "email", "company", "full_name", "job_title", "phone", "from_account_id")
    try:
        answer = ask_account(workspace.settings, view.model_dump(include=set(names)))
    except ControlError as error:
        return "", MailProblem(
            MailTrouble.CONNECTION, str(error), "Start it with: onboarding sandbox, then send again."
        )
    return str(answer["ticket"]), None
