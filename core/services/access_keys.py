"""Access keys of an account or of one of its EIM users: listed, created, changed, deleted."""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from sqlmodel import Session, col, select

from core.domain.actor import Actor
from core.domain.credentials import FieldProblem
from core.outscale.errors import OutscaleError, Trouble
from core.outscale.models import CreatedAccessKey
from core.services import key_intents
from core.services.doors import Door, closed, through
from core.services.kept_keys import kept_row
from core.services.key_intents import About
from core.services.key_rules import expiry_problem, full, gone, longest_life, maybe_created, tag_problem
from core.services.key_views import KeyView, key_views
from core.services.refusals import maybe_done, refusal
from core.services.registry import register
from core.services.rights import use_case
from core.services.scope import scope_of
from core.services.seen import note_keys, note_use, read_use
from core.services.signing import api_with
from core.services.use_case import changing, note_failure
from core.services.workspace import Workspace
from core.store.columns import now
from core.store.store import StoreError
from core.store.tables.access_keys import KeptKey, SeenKey
from core.store.tables.credentials import Project


@dataclass(frozen=True)
class KeyList:
    """The keys behind a door, the newest first, or what kept from reading them. `account_id` may be empty behind a
    password; `longest_life`: the account's own rule for new keys, None when there is none or it could not be read."""

    keys: list[KeyView] = field(default_factory=list)
    account_id: str = ""
    longest_life: timedelta | None = None
    problem: FieldProblem | None = None


@dataclass(frozen=True)
class Created:
    """What became of Generate: the new key with its secret, this once, and the intention by which it is known until
    the secret is taken; or what is wrong. `account_id` is empty when the new key could not be asked for it."""

    key: CreatedAccessKey | None = None
    intent: str = ""
    account_id: str = ""
    problem: FieldProblem | None = None


@use_case
def list_keys(actor: Actor, workspace: Workspace, door: Door, user_name: str = "") -> KeyList:
    """Read the access keys behind a door: of whoever opened it, or of the account's EIM user `user_name`. When a key
    signs, their last use is read from the account's logs too, as far as the key may.

    Raises StoreError when the store refuses, VaultError when the signing key's secret does not open."""
    with through(actor, workspace, door) as api:
        if api is None:
            return KeyList(problem=closed(door))
        try:
            keys = api.read_access_keys(user_name or None)
        except OutscaleError as error:
            problem = refusal("form", error)
            note_failure(
                actor, workspace, "access_keys.list", door.subject, problem, region=door.region, user=user_name
            )
            return KeyList(account_id=door.account_id, problem=problem)
        longest = longest_life(api)
        ids = [key.access_key_id for key in keys]
        use = read_use(workspace, api, ids) if door.signed_by and ids else None
    with changing(actor, workspace, "access_keys.list") as change:
        account_id = door.account_id or _account_by_key(change.session, ids, door.region)
        note_keys(change.session, door.region, account_id, user_name, keys)
        if use:
            note_use(change.session, door.region, account_id, use.logs, use.after, use.asked, use.complete)
        change.record(account_id or door.email, region=door.region, user=user_name, keys=len(keys))
        views = key_views(change.session, door.region, user_name, keys, scope_of(actor, workspace))
    return KeyList(views, account_id, longest)


@use_case
def list_users(actor: Actor, workspace: Workspace, door: Door) -> list[str]:
    """The names of the account's EIM users, when a key signs that may read them (a password may not: ReadUsers takes a
    signature); empty otherwise.

    Raises StoreError when the store refuses."""
    if not door.signed_by:
        return []
    with through(actor, workspace, door) as api:
        try:
            return [user.user_name for user in api.read_users()] if api else []
        except OutscaleError:
            return []


@use_case
def create_key(
    actor: Actor,
    workspace: Workspace,
    door: Door,
    *,
    expires: date | None = None,
    tag: str = "",
    user_name: str = "",
) -> Created:
    """Create an access key behind a door. It is ACTIVE. `expires`: the first day (UTC) on which it is no longer valid,
    None for never. The intention is stored before the call, the outcome and the sealed secret after, so that neither
    the key nor its secret gets lost; `key_intents.take` ends that.

    Raises StoreError when the intention cannot be stored; then nothing was created."""
    if problem := tag_problem(tag):
        return Created(problem=problem)
    until = datetime.combine(expires, time(), UTC) if expires else None
    with through(actor, workspace, door) as api:
        if api is None:
            return Created(problem=closed(door))
        try:
            before = [key.access_key_id for key in api.read_access_keys(user_name or None)]
        except OutscaleError as error:
            problem = refusal("form", error)
            note_failure(
                actor, workspace, "access_key.create", door.subject, problem, region=door.region, user=user_name
            )
            return Created(problem=problem)
        if problem := full(before) or expiry_problem(until, longest_life(api)):
            return Created(problem=problem)
        about = About(door.region, door.account_id, door.email, user_name)
        intent = key_intents.begin(actor, workspace, about, before)
        try:
            key = api.create_access_key(expiration=until, tag=tag.strip() or None, user_name=user_name or None)
        except OutscaleError as error:
            if maybe_done(error):
                problem = maybe_created(error)
                with suppress(StoreError):  # the intention stays open, and what is to be done is more urgent
                    note_failure(actor, workspace, "access_key.create", about.subject, problem, region=door.region)
                return Created(problem=problem)
            with changing(actor, workspace, "access_key.refused") as change:
                key_intents.end(change.session, intent, "refused")
                change.record(about.subject, outcome="failed", region=door.region, trouble=error.trouble.value)
            return Created(problem=refusal("form", error))
    try:
        with changing(actor, workspace, "access_key.created") as change:
            key_intents.end_created(change.session, workspace, intent, key)
            change.record(key.access_key_id, region=door.region, account=about.subject, user=user_name)
    except StoreError as error:
        # The key exists: showing its secret matters more than the record, whose intention stays open.
        note = FieldProblem(field="form", what=f"The key was created, but not recorded: {error}", mend="Keep it now.")
        return Created(key=key, intent=intent, account_id=door.account_id, problem=note)
    account_id = door.account_id or _ask_account(workspace, door.region, key)
    if account_id and not door.account_id:
        with changing(actor, workspace, "account.learned") as change:
            register(change.session, account_id, door.region, "key", email=door.email, owner=actor.name)
            change.record(account_id, region=door.region, email=door.email)
    return Created(key=key, intent=intent, account_id=account_id)


@use_case
def change_key(
    actor: Actor,
    workspace: Workspace,
    door: Door,
    access_key: str,
    *,
    state: str | None = None,
    expires: date | None = None,
    never: bool = False,
    tag: str | None = None,
    user_name: str = "",
) -> FieldProblem | None:
    """Activate or deactivate a key (`state` ACTIVE or INACTIVE), give it another expiration (a day in UTC, or `never`)
    or another tag (empty removes it); what is not given stays. The key is read first and its expiration sent again:
    UpdateAccessKey would otherwise make it everlasting. Returns None when done, else what is wrong.

    Raises StoreError when the store refuses."""
    if state == "INACTIVE" and access_key == door.signed_by:
        return FieldProblem(
            field="state",
            what="This is the key that opened the account: deactivated, it could not be activated again.",
            mend="Open the account with its password or with another key.",
        )
    if tag is not None and (problem := tag_problem(tag)):
        return problem
    with through(actor, workspace, door) as api:
        if api is None:
            return closed(door)
        try:
            present = api.read_access_keys(user_name or None, [access_key])
            if not present:
                problem = gone(access_key)
                return note_failure(actor, workspace, "access_key.change", access_key, problem, region=door.region)
            until = present[0].expiration_date
            if expires is not None or never:
                until = datetime.combine(expires, time(), UTC) if expires and not never else None
                if problem := expiry_problem(until, longest_life(api)):
                    return problem
            elif state == "ACTIVE" and until is not None and until <= now():
                return FieldProblem(
                    field="expires",
                    what="The key has expired: active or not, it signs nothing.",
                    mend="Give it a later expiration first.",
                )
            with changing(actor, workspace, "access_key.change") as change:
                change.record(access_key, region=door.region, user=user_name, state=state, tag=tag, expires=str(until))
            api.update_access_key(
                access_key,
                state=state or present[0].state,
                expiration=until,
                tag=tag.strip() if tag is not None else None,
                user_name=user_name or None,
            )
        except OutscaleError as error:
            problem = gone(access_key) if error.trouble is Trouble.NOT_FOUND else refusal("form", error)
            return note_failure(actor, workspace, "access_key.change", access_key, problem, region=door.region)
    return None


@use_case
def delete_key(
    actor: Actor, workspace: Workspace, door: Door, access_key: str, typed: str, user_name: str = ""
) -> FieldProblem | None:
    """Deactivate a key and delete it; `typed` must be the access key again. Its secret, if it is kept here, is
    forgotten. Returns None when done, else what is wrong.

    Raises StoreError when the store refuses."""
    if typed.strip() != access_key:
        return FieldProblem(field="typed", what="This is not the access key.", mend=f"Type it exactly: {access_key}")
    if access_key == door.signed_by:
        return FieldProblem(
            field="form",
            what="This is the key that opened the account: it cannot delete itself.",
            mend="Open the account with its password or with another key.",
        )
    with through(actor, workspace, door) as api:
        if api is None:
            return closed(door)
        try:
            if not api.read_access_keys(user_name or None, [access_key]):
                problem = gone(access_key)
                return note_failure(actor, workspace, "access_key.delete", access_key, problem, region=door.region)
            key_intents.remove(actor, workspace, api, access_key, door.region, user_name)
        except OutscaleError as error:
            problem = refusal("form", error)
            return note_failure(actor, workspace, "access_key.delete", access_key, problem, region=door.region)
    with changing(actor, workspace, "access_key.deleted") as change:
        forget_key(change.session, access_key, door.region)
        change.record(access_key, region=door.region, user=user_name)
    return None


def forget_key(session: Session, access_key: str, region: str) -> None:
    """Drop what is kept of a key that no longer exists, within the transaction of `session`."""
    kept = kept_row(session, access_key, region)
    seen = session.exec(select(SeenKey).where(SeenKey.access_key == access_key, SeenKey.region == region)).first()
    for row in (kept, seen):
        if row:
            session.delete(row)


def _account_by_key(session: Session, ids: list[str], region: str) -> str:
    """A password says the email alone: the Account ID is known when one of the keys is."""
    for table in (KeptKey, Project, SeenKey):
        found = session.exec(
            select(table.account_id).where(col(table.access_key).in_(ids), table.region == region)
        ).first()
        if found:
            return str(found)
    return ""


def _ask_account(workspace: Workspace, region: str, key: CreatedAccessKey) -> str:
    """A password cannot sign ReadAccounts, the new key can."""
    try:
        with api_with(workspace, region, key.access_key_id, key.secret_key) as api:
            accounts = api.read_accounts()
    except OutscaleError:
        return ""
    return (accounts[0].account_id or "") if accounts else ""
