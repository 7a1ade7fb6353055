"""Requests for cloud accounts: written, sent, followed until they are answered."""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select

from core.domain.actor import Actor
from core.domain.credentials import FieldProblem, region_problem
from core.domain.requests import (
    Mail,
    RequestDraft,
    draft_problems,
    granted_id_problem,
    reminder_mail,
    request_mail,
    request_problems,
    request_subject,
)
from core.sandbox.control import ControlError, account_answer, ask_account
from core.sandbox.info import read_info
from core.services.mail import MailProblem, MailTrouble, send_mail
from core.services.policy import policy_of
from core.services.registry import find, register
from core.services.rights import use_case
from core.services.scope import Scope, regions_for, scope_of
from core.services.use_case import Change, changing, looking
from core.services.views import EventView
from core.services.workspace import Workspace
from core.store.columns import now
from core.store.tables.accounts import Account, AccountRequest
from core.store.tables.audit import Event

EVENTS_SHOWN = 50
OWNER_LENGTH = 64
NOTES_LENGTH = 4000
REASON_LENGTH = 500

_MEANWHILE = {
    "draft": "It is a draft and was not sent.",
    "sent": "It was sent.",
    "granted": "It was granted.",
    "refused": "It was refused.",
}


class RequestView(BaseModel):
    """A request as the list shows it. Times are UTC. `state`: `draft`, `sent`, `granted` or `refused`; `sent_by`:
    `smtp`, `mail` (a person's own mail program) or `sandbox`."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: str
    kind: str
    state: str
    region: str
    from_account_id: str
    from_region: str
    full_name: str
    job_title: str
    company: str
    email: str
    phone: str
    subject: str
    description: str
    terms_accepted: datetime | None
    newsletter: bool
    owner: str
    notes: str
    sent_by: str
    ticket: str
    granted_account_id: str
    created: datetime
    modified: datetime
    sent: datetime | None
    answered: datetime | None
    reminded: datetime | None

    @property
    def title(self) -> str:
        """What it is called."""
        return request_subject(self.draft) or "Request without a subject"

    @property
    def unsure(self) -> bool:
        """Whether it may have been sent: the attempt began at `sent`, and how it ended is not known."""
        return self.state == "draft" and self.sent is not None

    @property
    def polled(self) -> bool:
        """Whether the sandbox is asked for its answer."""
        return self.state == "sent" and bool(self.ticket)

    @property
    def draft(self) -> RequestDraft:
        """What the form holds of it."""
        fields = {name: getattr(self, name) for name in RequestDraft.model_fields if name != "terms_accepted"}
        return RequestDraft(**fields, terms_accepted=self.terms_accepted is not None)


class RequestDetails(RequestView):
    """A request with its events. `mail` is its letter, and `reminder` the one that asks again, while a person's own
    mail program can send them."""

    mail: Mail | None
    reminder: Mail | None
    events: list[EventView]


@dataclass(frozen=True)
class Outcome:
    """What became of a step. `request` is as it is now, None when there is none; with problems nothing else was done.
    `mail` is a letter that the person's own mail program is to send now."""

    request: RequestView | None = None
    problems: list[FieldProblem] = field(default_factory=list)
    mail: Mail | None = None


@dataclass(frozen=True)
class Source:
    """An account that can be copied to another Region."""

    account_id: str
    region: str
    email: str
    company: str


@use_case
def list_requests(actor: Actor, workspace: Workspace) -> list[RequestView]:
    """All requests, the newest first.

    Raises StoreError when the store cannot be read."""
    scope = scope_of(actor, workspace)
    with looking(actor, workspace, "requests.list") as session:
        rows = session.exec(select(AccountRequest).order_by(col(AccountRequest.created).desc())).all()
        return [RequestView.model_validate(row) for row in rows if _seen(scope, row)]


@use_case
def show_request(actor: Actor, workspace: Workspace, request_id: str) -> RequestDetails | None:
    """One of them with its letters and events; None when there is none of this ID.

    Raises StoreError when the store cannot be read."""
    with looking(actor, workspace, "requests.show") as session:
        row = session.get(AccountRequest, request_id)
        if row is None or not _seen(scope_of(actor, workspace), row):
            return None
        events = session.exec(
            select(Event).where(Event.subject == row.id).order_by(col(Event.id).desc()).limit(EVENTS_SHOWN)
        ).all()
        view = RequestView.model_validate(row)
        by_hand = _way(workspace, row.region) == "mail"
        ready = by_hand and row.state == "draft" and not request_problems(view.draft, workspace.regions)
        return RequestDetails(
            **view.model_dump(),
            mail=_letter(workspace, view) if ready else None,
            reminder=_reminder(workspace, view) if by_hand and row.state == "sent" and not row.ticket else None,
            events=[EventView.model_validate(event, from_attributes=True) for event in events],
        )


@use_case
def waiting(actor: Actor, workspace: Workspace) -> list[RequestView]:
    """Sent requests without answer, and without a reminder, for longer than the policy's `remind_days`; the oldest
    first.

    Raises StoreError when the store cannot be read."""
    scope = scope_of(actor, workspace)
    with looking(actor, workspace, "requests.waiting") as session:
        latest = now() - timedelta(days=policy_of(session).remind_days)
        rows = session.exec(select(AccountRequest).where(AccountRequest.state == "sent")).all()
        views = [RequestView.model_validate(row) for row in rows if _seen(scope, row)]
    old = [(max(filter(None, (view.sent, view.reminded))), view) for view in views if view.sent]
    return [view for moment, view in sorted(old, key=lambda one: one[0]) if moment < latest]


@use_case
def copy_sources(actor: Actor, workspace: Workspace) -> list[Source]:
    """The accounts that can be copied: the known ones, then the running sandbox's demo accounts.

    Raises StoreError when the store cannot be read."""
    with looking(actor, workspace, "requests.sources") as session:
        accounts = session.exec(select(Account).order_by(col(Account.company), col(Account.account_id))).all()
    known = {
        (one.account_id, one.region): Source(one.account_id, one.region, one.email, one.company) for one in accounts
    }
    for demo in (read_info(workspace.settings) or {"accounts": []})["accounts"]:
        source = Source(demo["account_id"], demo["region"], demo["email"], "")
        known.setdefault((source.account_id, source.region), source)
    regions = regions_for(actor, workspace)
    return [source for source in known.values() if source.region in regions]


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
            found, problem = _in_state(change.session, scope_of(actor, workspace), request_id, "draft", seen)
            if found is None or problem:
                return Outcome(problems=[problem] if problem else [])
            row = found
        for name, value in draft.model_dump(exclude={"terms_accepted"}).items():
            setattr(row, name, value)
        row.terms_accepted = (row.terms_accepted or now()) if draft.terms_accepted and draft.kind == "new" else None
        return _done(change, row, kind=row.kind, region=row.region)


@use_case
def delete_draft(actor: Actor, workspace: Workspace, request_id: str) -> FieldProblem | None:
    """Delete a draft; what was sent stays. None when done, else what is wrong.

    Raises StoreError when the store refuses."""
    with changing(actor, workspace, "request.delete") as change:
        row, problem = _in_state(change.session, scope_of(actor, workspace), request_id, "draft")
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
        way = _way(workspace, row.region)
        before = row.sent_by, row.sent
        if way != "mail":
            row.sent_by, row.sent = way, now()
        begun = _done(change, row, way=way)
    view = begun.request
    if view is None or way == "mail":
        return Outcome(view, mail=_letter(workspace, view) if view else None)
    ticket, trouble = _hand_over(workspace, view)
    sure = not (trouble and trouble.maybe_sent)
    action = "request.not_sent" if trouble and sure else "request.unsure" if trouble else "request.sent"
    with changing(actor, workspace, action) as change:
        row, problem = _in_state(change.session, scope_of(actor, workspace), request_id, "draft", view.modified)
        if row is None or problem:  # somebody was faster and has said how it ended
            return Outcome(problems=[problem] if problem else [])
        if trouble is None:
            row.state, row.ticket = "sent", ticket
        elif sure:
            row.sent_by, row.sent = before  # an attempt before this one may have been sent all the same
        ended = _done(change, row, way=way, **({"trouble": trouble.trouble.value} if trouble else {}))
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
        return _done(change, row, way=row.sent_by)


@use_case
def grant(actor: Actor, workspace: Workspace, request_id: str, account_id: str, region: str) -> Outcome:
    """Record that a sent request was granted, and put its account into the register. `region` may be another one than
    was wanted.

    Raises StoreError when the store refuses."""
    account_id, region = account_id.strip(), region.strip()
    problems = [granted_id_problem(account_id), region_problem("region", region, regions_for(actor, workspace))]
    if found := [problem for problem in problems if problem]:
        return Outcome(problems=found)
    with changing(actor, workspace, "request.granted") as change:
        row, problem = _in_state(change.session, scope_of(actor, workspace), request_id, "sent")
        if row is None or problem:
            return Outcome(problems=[problem] if problem else [])
        return _granted(change, row, account_id, region, _email_of(change.session, row))


@use_case
def refuse(actor: Actor, workspace: Workspace, request_id: str, reason: str = "") -> Outcome:
    """Record that a sent request was refused; the reason goes to its notes.

    Raises StoreError when the store refuses."""
    with changing(actor, workspace, "request.refused") as change:
        row, problem = _in_state(change.session, scope_of(actor, workspace), request_id, "sent")
        if row is None or problem:
            return Outcome(problems=[problem] if problem else [])
        return _refused(change, row, reason.strip()[:REASON_LENGTH])


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
        row, problem = _in_state(change.session, scope_of(actor, workspace), request_id, None, seen)
        if row is None or problem:
            return Outcome(problems=[problem] if problem else [])
        row.owner, row.notes = owner, notes
        return _done(change, row, owner=owner)


@use_case
def remind(actor: Actor, workspace: Workspace, request_id: str, *, seen: datetime | None = None) -> Outcome:
    """Ask again for the answer to a sent request: by the mail server when there is one, else the outcome has the letter
    for the person's own mail program. When that was is kept in `reminded`.

    Raises StoreError when the store refuses."""
    with changing(actor, workspace, "request.remind") as change:
        row, problem = _in_state(change.session, scope_of(actor, workspace), request_id, "sent", seen)
        if row is None or problem:
            return Outcome(problems=[problem] if problem else [])
        if row.sent_by == "sandbox":
            what = "The sandbox answers by itself, while it runs."
            return Outcome(problems=[FieldProblem(field="form", what=what, mend="Start it with: onboarding sandbox")])
        way = _way(workspace, row.region)
        before, row.reminded = row.reminded, now()
        begun = _done(change, row, way=way)
    view = begun.request
    if view is None:
        return begun
    letter = _reminder(workspace, view)
    if way == "mail":
        return Outcome(view, mail=letter)
    trouble = send_mail(workspace.settings, letter)
    if trouble is None or trouble.maybe_sent:
        problems = [FieldProblem(field="form", what=trouble.what, mend=trouble.mend)] if trouble else []
        return Outcome(view, problems)
    with changing(actor, workspace, "request.not_reminded") as change:
        row, _ = _in_state(change.session, scope_of(actor, workspace), request_id, None, view.modified)
        if row:
            row.reminded = before
            view = _done(change, row, trouble=trouble.trouble.value).request
    return Outcome(view, [FieldProblem(field="form", what=trouble.what, mend=trouble.mend)])


@use_case
def poll_answers(actor: Actor, workspace: Workspace) -> list[RequestView]:
    """Ask the sandbox about the requests that it has, and record what it answered. Gives those that were answered now;
    a sandbox that does not run changes nothing.

    Raises StoreError when the store refuses."""
    with looking(actor, workspace, "requests.poll") as session:
        rows = session.exec(
            select(AccountRequest).where(AccountRequest.state == "sent", AccountRequest.ticket != "")
        ).all()
        tickets = [(row.id, row.ticket) for row in rows if _seen(scope_of(actor, workspace), row)]
    answered = []
    for request_id, ticket in tickets:
        answer: dict[str, Any] = {"state": "pending"}
        with suppress(ControlError):
            answer = account_answer(workspace.settings, ticket)
        if answer["state"] == "pending":
            continue
        granted = answer["state"] == "granted"
        with changing(actor, workspace, "request.granted" if granted else "request.refused") as change:
            row, problem = _in_state(change.session, scope_of(actor, workspace), request_id, "sent")
            if row is None or problem:  # a person was faster
                continue
            if granted:
                done = _granted(change, row, answer["account_id"], answer["region"], answer["email"])
            else:
                done = _refused(change, row, answer["reason"])
        if done.request:
            answered.append(done.request)
    return answered


def _seen(scope: Scope, row: AccountRequest) -> bool:
    """Whether a request is in sight, with the account that is to be copied."""
    named = {row.region, row.from_region} - {""}
    return scope.everything or (bool(named) and all(map(scope.sees_region, named)))


def _in_state(
    session: Session, scope: Scope, request_id: str, state: str | None, seen: datetime | None = None
) -> tuple[AccountRequest | None, FieldProblem | None]:
    """The request, and what keeps it from being changed: it is in another state, or was changed since `seen`."""
    row = session.get(AccountRequest, request_id)
    if row is None or not _seen(scope, row):
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


def _sendable(
    change: Change, workspace: Workspace, request_id: str, seen: datetime | None, *, again: bool
) -> tuple[AccountRequest | None, list[FieldProblem]]:
    """The draft, and everything that keeps it from going out."""
    row, problem = _in_state(change.session, scope_of(change.actor, workspace), request_id, "draft", seen)
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
        return "", send_mail(workspace.settings, _letter(workspace, view))
    names = ("kind", "region", "email", "company", "full_name", "job_title", "phone", "from_account_id")
    try:
        answer = ask_account(workspace.settings, view.model_dump(include=set(names)))
    except ControlError as error:
        return "", MailProblem(
            MailTrouble.CONNECTION, str(error), "Start it with: onboarding sandbox, then send again."
        )
    return str(answer["ticket"]), None


def _granted(change: Change, row: AccountRequest, account_id: str, region: str, email: str) -> Outcome:
    row.state, row.answered = "granted", now()
    wanted, row.region, row.granted_account_id = row.region, region, account_id
    register(change.session, account_id, region, "request", email=email, company=row.company, owner=row.owner)
    change.record(account_id, region=region, request=row.id)
    return _done(change, row, account_id=account_id, region=region, wanted=wanted)


def _refused(change: Change, row: AccountRequest, reason: str) -> Outcome:
    row.state, row.answered = "refused", now()
    if reason:
        row.notes = f"{row.notes}\nRefused: {reason}".strip()[-NOTES_LENGTH:]
    return _done(change, row, reason=reason)


def _done(change: Change, row: AccountRequest, **details: Any) -> Outcome:
    row.modified = now()
    change.record(row.id, outcome="failed" if "trouble" in details else "done", **details)
    return Outcome(RequestView.model_validate(row))


def _email_of(session: Session, row: AccountRequest) -> str:
    """Which email signs in: a copy has that of its source, and the request's own belongs to who asked."""
    if row.kind == "new":
        return row.email
    source = find(session, row.from_account_id, row.from_region)
    return source.email if source else ""


def _way(workspace: Workspace, region: str) -> str:
    found = workspace.regions.get(region)
    if found and found.sandbox:
        return "sandbox"
    return "smtp" if workspace.settings.smtp_host else "mail"


def _recipient(workspace: Workspace, kind: str) -> str:
    return workspace.settings.support_address if kind == "copy" else workspace.settings.sales_address


def _letter(workspace: Workspace, view: RequestView) -> Mail:
    return request_mail(view.draft, _recipient(workspace, view.kind), view.terms_accepted)


def _reminder(workspace: Workspace, view: RequestView) -> Mail:
    return reminder_mail(view.draft, _recipient(workspace, view.kind), view.sent or view.modified)
