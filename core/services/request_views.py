"""Requests as they are seen: the list, one with its letters, those that wait too long, and what can be copied."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict
from sqlmodel import col, select

from core.domain.actor import Actor
from core.domain.requests import (
    Mail,
    RequestDraft,
    reminder_mail,
    request_mail,
    request_problems,
    request_subject,
)
from core.sandbox.info import read_info
from core.services.policy import policy_of
from core.services.rights import use_case
from core.services.scope import Scope, regions_for, scope_of
from core.services.use_case import looking
from core.services.views import EventView
from core.services.workspace import Workspace
from core.store.columns import now
from core.store.tables.accounts import Account, AccountRequest
from core.store.tables.audit import Event

EVENTS_SHOWN = 50


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
        return [RequestView.model_validate(row) for row in rows if in_sight(scope, row)]


@use_case
def show_request(actor: Actor, workspace: Workspace, request_id: str) -> RequestDetails | None:
    """One of them with its letters and events; None when there is none of this ID.

    Raises StoreError when the store cannot be read."""
    with looking(actor, workspace, "requests.show") as session:
        row = session.get(AccountRequest, request_id)
        if row is None or not in_sight(scope_of(actor, workspace), row):
            return None
        events = session.exec(
            select(Event).where(Event.subject == row.id).order_by(col(Event.id).desc()).limit(EVENTS_SHOWN)
        ).all()
        view = RequestView.model_validate(row)
        by_hand = way_of(workspace, row.region) == "mail"
        ready = by_hand and row.state == "draft" and not request_problems(view.draft, workspace.regions)
        return RequestDetails(
            **view.model_dump(),
            mail=letter(workspace, view) if ready else None,
            reminder=reminder(workspace, view) if by_hand and row.state == "sent" and not row.ticket else None,
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
        views = [RequestView.model_validate(row) for row in rows if in_sight(scope, row)]
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


def in_sight(scope: Scope, row: AccountRequest) -> bool:
    """Whether a request is in sight, with the account that is to be copied."""
    named = {row.region, row.from_region} - {""}
    return scope.everything or (bool(named) and all(map(scope.sees_region, named)))


def way_of(workspace: Workspace, region: str) -> str:
    """How a request for a Region goes out: to the `sandbox`, by the mail server (`smtp`), or by the person's own `mail`
    program."""
    found = workspace.regions.get(region)
    if found and found.sandbox:
        return "sandbox"
    return "smtp" if workspace.settings.smtp_host else "mail"


def letter(workspace: Workspace, view: RequestView) -> Mail:
    """The letter that asks."""
    return request_mail(view.draft, _recipient(workspace, view.kind), view.terms_accepted)


def reminder(workspace: Workspace, view: RequestView) -> Mail:
    """The letter that asks again."""
    return reminder_mail(view.draft, _recipient(workspace, view.kind), view.sent or view.modified)


def _recipient(workspace: Workspace, kind: str) -> str:
    return workspace.settings.support_address if kind == "copy" else workspace.settings.sales_address
