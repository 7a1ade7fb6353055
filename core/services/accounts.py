"""The register of accounts: listed, added by hand, edited, forgotten; how each signs in, as far as it is known here."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select

from core.domain.accounts import AccountDraft, account_problems, email_problem
from core.domain.actor import Actor
from core.domain.credentials import FieldProblem
from core.services.policy import policy_of
from core.services.registry import find, register, unknown
from core.services.rights import use_case
from core.services.scope import Scope, regions_for, scope_of
from core.services.seen import is_active, seen_of
from core.services.use_case import changing, looking
from core.services.views import EventView
from core.services.workspace import Workspace
from core.store.columns import now
from core.store.tables.access_keys import KeyIntent, Rotation, SeenKey
from core.store.tables.accounts import Account
from core.store.tables.audit import Event
from core.store.tables.credentials import Credentials, Project

EVENTS_SHOWN = 50
_WRITTEN = {"account_id", "region", "company", "email", "owner", "notes", "source", "read", "created"}


class AccountView(BaseModel):
    """A known account as the list shows it. Times are UTC. `credentials` names those that use it; `active_keys` is None
    while its keys were never listed here; `checked` is the last check of its credentials; `read` is when OUTSCALE's API
    told about it last."""

    model_config = ConfigDict(frozen=True)

    account_id: str
    region: str
    company: str
    email: str
    owner: str
    notes: str
    source: str
    credentials: list[str]
    active_keys: int | None
    next_expiry: datetime | None
    checked: datetime | None
    read: datetime | None
    created: datetime

    def matches(self, word: str) -> bool:
        """Whether a search for `word` finds it: part of what a person knows it by, small and capital letters alike."""
        known_by = (self.account_id, self.region, self.company, self.email, self.owner, self.notes, *self.credentials)
        return word.strip().lower() in " ".join(known_by).lower()


class AccountDetails(AccountView):
    """A known account with all there is to see. `data` is what ReadAccounts gave, in the API's own names."""

    data: dict[str, Any]
    password_confirmed: datetime | None
    events: list[EventView]


class Methods(BaseModel):
    """The account's authentication methods as far as they are known here. Times are UTC. `keys_seen`: when its keys
    were listed last, None for never; `expiring` counts the active ones that expire within `expires_soon_days`."""

    model_config = ConfigDict(frozen=True)

    password_confirmed: datetime | None
    keys_seen: datetime | None
    active: int
    expiring: int
    expires_soon_days: int
    oldest: datetime | None


@use_case
def list_accounts(actor: Actor, workspace: Workspace) -> list[AccountView]:
    """All known accounts, by Account ID and Region.

    Raises StoreError when the store cannot be read."""
    scope = scope_of(actor, workspace)
    with looking(actor, workspace, "accounts.list") as session:
        seen = select(Account).where(scope.region(Account.region))
        rows = session.exec(seen.order_by(col(Account.account_id), col(Account.region))).all()
        return [AccountView(**facts) for facts in _facts(session, rows, scope)]


@use_case
def show_account(actor: Actor, workspace: Workspace, account_id: str, region: str) -> AccountDetails | None:
    """One of them with its data and events; None when it is not known.

    Raises StoreError when the store cannot be read."""
    with looking(actor, workspace, "accounts.show") as session:
        row = find(session, account_id, region)
        if row is None:
            return None
        subjects = [account_id, row.email] if row.email else [account_id]
        events = session.exec(
            select(Event).where(col(Event.subject).in_(subjects)).order_by(col(Event.id).desc()).limit(4 * EVENTS_SHOWN)
        ).all()
        here = [event for event in events if event.details.get("region", region) == region]
        return AccountDetails(
            **_facts(session, [row], scope_of(actor, workspace))[0],
            data=row.data,
            password_confirmed=row.password_confirmed,
            events=[EventView.model_validate(event, from_attributes=True) for event in here[:EVENTS_SHOWN]],
        )


@use_case
def add_account(actor: Actor, workspace: Workspace, draft: AccountDraft) -> list[FieldProblem]:
    """Add an account by hand. Returns what is wrong, nothing when it was added.

    Raises StoreError when the store refuses."""
    problems = account_problems(draft, regions_for(actor, workspace))
    if problems:
        return problems
    with changing(actor, workspace, "account.add") as change:
        if find(change.session, draft.account_id, draft.region):
            what = f"The account {draft.account_id} in {draft.region} is known already."
            return [FieldProblem(field="account_id", what=what, mend="Search for it in the list, and edit it there.")]
        account = register(
            change.session,
            draft.account_id,
            draft.region,
            "hand",
            email=draft.email,
            company=draft.company,
            owner=draft.owner,
        )
        account.notes = draft.notes
        change.record(draft.account_id, region=draft.region, source="hand")
    return []


@use_case
def edit_account(
    actor: Actor,
    workspace: Workspace,
    account_id: str,
    region: str,
    *,
    owner: str | None = None,
    notes: str | None = None,
    email: str | None = None,
    company: str | None = None,
) -> list[FieldProblem]:
    """Change what is written here about an account; None leaves a field. Email and company are OUTSCALE's own once its
    API has told them. Returns what is wrong, nothing when done.

    Raises StoreError when the store refuses."""
    given = {"owner": owner, "notes": notes, "email": email, "company": company}
    wanted = {name: value.strip() for name, value in given.items() if value is not None}
    with changing(actor, workspace, "account.edit") as change:
        row = find(change.session, account_id, region)
        if row is None:
            return [unknown(account_id, region)]
        changed = {name: value for name, value in wanted.items() if value != getattr(row, name)}
        problems = [email_problem(changed.get("email", ""))]
        if row.read:
            problems = [_outscales_own(name) for name in ("email", "company") if name in changed]
        if found := [problem for problem in problems if problem]:
            return found
        if changed:
            for name, value in changed.items():
                setattr(row, name, value)
            row.modified = now()
            change.record(account_id, region=region, fields=sorted(changed))
    return []


@use_case
def forget_account(actor: Actor, workspace: Workspace, account_id: str, region: str) -> FieldProblem | None:
    """Delete an account from the register, and what was seen of its keys. At OUTSCALE nothing changes. Refused while
    something here depends on it. Returns None when done, else what is wrong.

    Raises StoreError when the store refuses."""
    with changing(actor, workspace, "account.forget") as change:
        session = change.session
        row = find(session, account_id, region)
        if row is None:
            return unknown(account_id, region)
        used_by = _used_by(session, account_id, region)
        if used_by:
            names = ", ".join(scope_of(actor, workspace).names(session, used_by)) or "of others"
            what = f"The credentials {names} use this account."
            return FieldProblem(field="form", what=what, mend="Delete them first, or take its rows out of them.")
        if _unfinished(session, account_id, region):
            what = "A key or keypair of this account is being created or rotated, or may have been left lying about."
            return FieldProblem(field="form", what=what, mend="Finish that first: see Access keys and Keypairs.")
        for gone in (row, *seen_of(session, account_id, region)):
            session.delete(gone)
        change.record(account_id, region=region)
    return None


@use_case
def methods(actor: Actor, workspace: Workspace, account_id: str, region: str) -> Methods | None:
    """What is known here about the account's authentication methods; None when the account is not known. Its keypairs
    are only known to OUTSCALE: see `keypairs.list_keypairs`.

    Raises StoreError when the store cannot be read."""
    with looking(actor, workspace, "accounts.methods") as session:
        row = find(session, account_id, region)
        if row is None:
            return None
        days = policy_of(session).expires_soon_days
        seen = seen_of(session, account_id, region)
        active = [key for key in seen if is_active(key)]
        soon = now() + timedelta(days=days)
        return Methods(
            password_confirmed=row.password_confirmed,
            keys_seen=max((key.seen for key in seen), default=None),
            active=len(active),
            expiring=sum(key.expires is not None and key.expires <= soon for key in active),
            expires_soon_days=days,
            oldest=min((key.created for key in active if key.created), default=None),
        )


def _facts(session: Session, rows: Sequence[Account], scope: Scope) -> list[dict[str, Any]]:
    users: dict[tuple[str, str], dict[str, datetime | None]] = {}
    for account_id, region, name, checked in session.exec(
        select(Project.account_id, Project.region, Credentials.name, Credentials.checked)
        .join(Credentials)
        .where(scope.credentials())
        .order_by(col(Credentials.name))
    ):
        users.setdefault((account_id, region), {})[name] = checked
    keys: dict[tuple[str, str], list[SeenKey]] = {}
    for key in session.exec(select(SeenKey)).all():
        keys.setdefault((key.account_id, key.region), []).append(key)
    facts = []
    for row in rows:
        place = (row.account_id, row.region)
        active = [key for key in keys.get(place, []) if is_active(key)]
        facts.append(
            row.model_dump(include=_WRITTEN)
            | {
                "credentials": list(users.get(place, {})),
                "active_keys": len(active) if place in keys else None,
                "next_expiry": min((key.expires for key in active if key.expires), default=None),
                "checked": max((checked for checked in users.get(place, {}).values() if checked), default=None),
            }
        )
    return facts


def _used_by(session: Session, account_id: str, region: str) -> list[str]:
    names = session.exec(
        select(Credentials.name)
        .join(Project)
        .where(Project.account_id == account_id, Project.region == region)
        .order_by(col(Credentials.name))
    ).all()
    return list(dict.fromkeys(names))


def _unfinished(session: Session, account_id: str, region: str) -> bool:
    """Intents that nobody has resolved, and rotations under way."""
    intent = select(KeyIntent.id).where(KeyIntent.account_id == account_id, KeyIntent.region == region)
    open_intent = intent.where(col(KeyIntent.ended).is_(None) | col(KeyIntent.secret_key_sealed).is_not(None))
    rotation = select(Rotation.id).where(Rotation.account_id == account_id, Rotation.region == region)
    open_rotation = rotation.where(col(Rotation.ended).is_(None))
    return bool(session.exec(open_intent).first() or session.exec(open_rotation).first())


def _outscales_own(field: str) -> FieldProblem:
    what = "This comes from OUTSCALE, and would be written over by the next Refresh."
    return FieldProblem(field=field, what=what, mend="Change it at OUTSCALE instead.")
