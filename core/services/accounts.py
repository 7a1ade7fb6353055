"""The register of accounts: listed, added, read from OUTSCALE, edited, forgotten."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, SecretStr
from sqlmodel import Session, col, select

from core.domain.accounts import AccountDraft, account_changes, account_problems, email_problem
from core.domain.actor import Actor
from core.domain.credentials import FieldProblem, key_problems, proxy_problem, region_problem
from core.domain.proxy import parse_proxy
from core.outscale.errors import OutscaleError, Trouble
from core.outscale.models import Account as Answered
from core.outscale.oapi import Oapi
from core.services.allowed_hosts import with_proxy_refusal
from core.services.policy import policy_of
from core.services.refusals import maybe_done, refusal
from core.services.registry import register
from core.services.rights import use_case
from core.services.scope import Scope, regions_for, scope_of
from core.services.signing import StoredKey, api_with, signed_api, stored_keys
from core.services.use_case import changing, looking, note_failure
from core.services.views import EventView
from core.services.workspace import Workspace
from core.store.tables import Account, Credentials, Event, KeyIntent, Project, Rotation, SeenKey, now
from core.vault.master_key import VaultError

EVENTS_SHOWN = 50
KEYS_TRIED = 2
"""Keys that one question is signed with, one after the other: four refusals in a row lock an account."""
_NOT_THIS_KEY = frozenset({Trouble.AUTHENTICATION, Trouble.INACTIVE_KEY, Trouble.EXPIRED_KEY, Trouble.FORBIDDEN})
_WRITTEN = {"account_id", "region", "company", "email", "owner", "notes", "source", "read", "created"}
_BAD_EMAIL = "4118"
_DUPLICATE_EMAIL = "9073"

Answer = TypeVar("Answer")


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


@dataclass(frozen=True)
class ReadAccount:
    """What became of reading an account: its Account ID, or what is wrong."""

    account_id: str = ""
    problems: list[FieldProblem] = field(default_factory=list)


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
        row = _find(session, account_id, region)
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
        if _find(change.session, draft.account_id, draft.region):
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
        row = _find(change.session, account_id, region)
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
        row = _find(session, account_id, region)
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
        seen = select(SeenKey).where(SeenKey.account_id == account_id, SeenKey.region == region)
        for gone in (row, *session.exec(seen).all()):
            session.delete(gone)
        change.record(account_id, region=region)
    return None


@use_case
def read_from_key(
    actor: Actor,
    workspace: Workspace,
    access_key: str,
    secret_key: SecretStr,
    region: str,
    proxy: SecretStr | None = None,
) -> ReadAccount:
    """Ask OUTSCALE which account a pasted key belongs to, and register it with its data. The key is not stored; one
    attempt is made with it.

    Raises StoreError when the store refuses."""
    access_key, secret_key = access_key.strip(), SecretStr(secret_key.get_secret_value().strip())
    proxy = SecretStr(proxy.get_secret_value().strip() if proxy else "")
    problems = [*key_problems("", "The account", access_key, secret_key)]
    problems += [
        problem
        for problem in (region_problem("region", region, regions_for(actor, workspace)), proxy_problem(proxy))
        if problem
    ]
    problems = with_proxy_refusal(actor, workspace, problems, proxy)
    if problems:
        return ReadAccount(problems=problems)
    way = parse_proxy(proxy.get_secret_value()) if proxy.get_secret_value() else None
    try:
        with api_with(workspace, region, access_key, secret_key, way) as api:
            found = next(iter(api.read_accounts()), Answered())
    except OutscaleError as error:
        problem = note_failure(actor, workspace, "account.read", access_key, refusal("form", error), region=region)
        return ReadAccount(problems=[problem])
    if not found.account_id:
        return ReadAccount(problems=[_nameless(region)])
    with changing(actor, workspace, "account.read") as change:
        row = register(change.session, found.account_id, region, "key", owner=actor.name)
        _store(row, found)
        change.record(found.account_id, region=region, by="a pasted key")
    return ReadAccount(found.account_id)


@use_case
def refresh(actor: Actor, workspace: Workspace, account_id: str, region: str) -> FieldProblem | None:
    """Read the account's data again, signed by a key whose secret is here. Returns None when done, else what is wrong.

    Raises StoreError when the store refuses."""

    def question(api: Oapi, found: Answered | None) -> Answered | FieldProblem:
        # Without `found` the key may not ReadAccounts: asked again, it is refused for that.
        return found or next(iter(api.read_accounts()), None) or _nameless(region)

    found = by_stored_key(actor, workspace, account_id, region, question)
    if isinstance(found, FieldProblem):
        return note_failure(actor, workspace, "account.read", account_id, found, region=region)
    return _learn(actor, workspace, account_id, region, found, "account.read")


@use_case
def update_account(
    actor: Actor, workspace: Workspace, account_id: str, region: str, changes: Mapping[str, object]
) -> list[FieldProblem]:
    """Change the account's data at OUTSCALE (UpdateAccount), signed by a key whose secret is here; `changes` in the
    API's own names. What is the same already is not sent, and nothing is sent twice. Returns what is wrong, beside its
    field when OUTSCALE's code tells which; nothing when done.

    Raises StoreError when the store refuses."""
    wanted, problems = account_changes(changes)
    if problems:
        return problems

    def question(api: Oapi, found: Answered | None) -> Answered | FieldProblem:
        present = found.model_dump(by_alias=True) if found else {}
        new = {name: value for name, value in wanted.items() if value != (present.get(name) or type(value)())}
        if not new:
            what = "OUTSCALE has these values already: nothing was changed."
            return FieldProblem(field="form", what=what, mend="Change a field, or close the form.")
        with changing(actor, workspace, "account.update") as change:
            change.record(account_id, region=region, fields=sorted(new))
        try:
            return api.update_account(new)
        except OutscaleError as error:
            with changing(actor, workspace, "account.update_failed") as change:
                answered = not maybe_done(error)
                trouble = error.trouble.value
                change.record(account_id, outcome="failed", region=region, trouble=trouble, answered=answered)
            if maybe_done(error):
                what = f"No answer came, so the account may be changed or not. {error.what}"
                return FieldProblem(field="form", what=what, mend="Refresh: it shows what OUTSCALE has now.")
            if error.trouble in _NOT_THIS_KEY:
                raise
            return _refused_change(error, new)

    found = by_stored_key(actor, workspace, account_id, region, question)
    if not isinstance(found, FieldProblem):
        problem = _learn(actor, workspace, account_id, region, found, "account.updated")
        return [problem] if problem else []
    return [found]


@use_case
def methods(actor: Actor, workspace: Workspace, account_id: str, region: str) -> Methods | None:
    """What is known here about the account's authentication methods; None when the account is not known. Its keypairs
    are only known to OUTSCALE: see `keypairs.list_keypairs`.

    Raises StoreError when the store cannot be read."""
    with looking(actor, workspace, "accounts.methods") as session:
        row = _find(session, account_id, region)
        if row is None:
            return None
        days = policy_of(session).expires_soon_days
        seen = session.exec(select(SeenKey).where(SeenKey.account_id == account_id, SeenKey.region == region)).all()
        active = [key for key in seen if _is_active(key)]
        soon = now() + timedelta(days=days)
        return Methods(
            password_confirmed=row.password_confirmed,
            keys_seen=max((key.seen for key in seen), default=None),
            active=len(active),
            expiring=sum(key.expires is not None and key.expires <= soon for key in active),
            expires_soon_days=days,
            oldest=min((key.created for key in active if key.created), default=None),
        )


@use_case
def by_stored_key(
    actor: Actor,
    workspace: Workspace,
    account_id: str,
    region: str,
    question: Callable[[Oapi, Answered | None], Answer | FieldProblem],
) -> Answer | FieldProblem:
    """Ask OUTSCALE something about an account, signed by a key whose secret is here: the question gets the API, and the
    account as it is now, or None when the key may not read it. A key that OUTSCALE refuses gives way to the next one.
    Gives the question's answer, or what kept from it; an OutscaleError of the question becomes a problem.

    Raises StoreError when the store refuses."""
    if region not in workspace.regions:
        mend = "Start the sandbox if it is one of its Regions, or add it to the file that ONBOARDING_REGIONS names."
        return FieldProblem(field="form", what=f"The Region {region} is not known now.", mend=mend)
    scope = scope_of(actor, workspace)
    try:
        with looking(actor, workspace, "account.sign") as session:
            signing = [
                (key, api)
                for key in _likeliest(session, account_id, region, scope)[:KEYS_TRIED]
                if (api := signed_api(session, workspace, key.access_key, region, scope))
            ]
    except VaultError as error:
        return FieldProblem(field="form", what=str(error), mend="Edit the credentials and paste the secret again.")
    refused = _no_key(account_id, region)
    for key, api in signing:
        try:
            with api:
                found = _account_of(api)
                if found and found.account_id != account_id:
                    return _of_another(key, found.account_id or "an account without ID", account_id)
                return question(api, found)
        except OutscaleError as error:
            problem = refusal("form", error)
            refused = problem.model_copy(
                update={"mend": f"{problem.mend} Asked with the access key {key.access_key} ({key.source})."}
            )
            if error.trouble not in _NOT_THIS_KEY:
                return refused
    return refused


def unknown(account_id: str, region: str) -> FieldProblem:
    """The problem of an account that is not in the register."""
    what = f"The account {account_id} in {region} is not known here: somebody may have forgotten it."
    return FieldProblem(field="form", what=what, mend="Look at the list again, or add it.")


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
        active = [key for key in keys.get(place, []) if _is_active(key)]
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


def _is_active(key: SeenKey) -> bool:
    return key.state == "ACTIVE" and (key.expires is None or key.expires > now())


def _find(session: Session, account_id: str, region: str) -> Account | None:
    return session.exec(select(Account).where(Account.account_id == account_id, Account.region == region)).first()


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


def _likeliest(session: Session, account_id: str, region: str, scope: Scope) -> list[StoredKey]:
    """The keys that can sign; those last seen INACTIVE or expired come last."""
    keys = stored_keys(session, account_id, region, scope)
    seen = session.exec(select(SeenKey).where(SeenKey.account_id == account_id, SeenKey.region == region)).all()
    doubtful = {key.access_key for key in seen if not _is_active(key)}
    return sorted(keys, key=lambda key: key.access_key in doubtful)


def _account_of(api: Oapi) -> Answered | None:
    """The account that the key belongs to; None when an EIM user's key may not ask. Raises OutscaleError."""
    try:
        return next(iter(api.read_accounts()), None)
    except OutscaleError as error:
        if error.trouble is Trouble.FORBIDDEN:
            return None
        raise


def _learn(
    actor: Actor, workspace: Workspace, account_id: str, region: str, found: Answered, action: str
) -> FieldProblem | None:
    with changing(actor, workspace, action) as change:
        row = _find(change.session, account_id, region)
        if row is None:
            return unknown(account_id, region)
        _store(row, found)
        change.record(account_id, region=region)
    return None


def _store(row: Account, found: Answered) -> None:
    row.data = found.model_dump(by_alias=True, exclude_none=True)
    row.email = found.email or row.email
    row.company = found.company_name or row.company
    row.read = now()


def _refused_change(error: OutscaleError, new: Mapping[str, str | list[str]]) -> FieldProblem:
    """The refusal beside the field that OUTSCALE's code or words name."""
    if error.code == _DUPLICATE_EMAIL:
        what = f"Another account signs in with this email. (code {error.code})"
        return FieldProblem(field="Email", what=what, mend="Give an email of its own.")
    named = [name for name in new if re.search(rf"\b{name}\b", error.details)]
    if error.code == _BAD_EMAIL:
        named += [name for name in ("Email", "AdditionalEmails") if name in new]
    return refusal(next(iter(named), "form"), error)


def _outscales_own(field: str) -> FieldProblem:
    what = "This comes from OUTSCALE, and would be written over by the next Refresh."
    return FieldProblem(field=field, what=what, mend="Change it at OUTSCALE instead.")


def _nameless(region: str) -> FieldProblem:
    what = f"The API of {region} did not say which account the key belongs to."
    return FieldProblem(field="form", what=what, mend="Check the Region's address, or add the account by hand.")


def _of_another(key: StoredKey, other: str, account_id: str) -> FieldProblem:
    what = f"The access key {key.access_key} ({key.source}) belongs to {other}, not to {account_id}."
    return FieldProblem(field="form", what=what, mend="Correct the Account ID where the key is stored, then try again.")


def _no_key(account_id: str, region: str) -> FieldProblem:
    return FieldProblem(
        field="form",
        what=f"No key whose secret is stored here can sign for {account_id} in {region}.",
        mend="Read it from a key that you paste, keep one of its keys sealed at Access keys, or add credentials.",
    )
