"""Access keys of an account or of one of its EIM users: listed, created, changed, deleted."""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from sqlmodel import Session, col, select

from core.domain.actor import Actor
from core.domain.credentials import FieldProblem
from core.outscale.errors import OutscaleError, Trouble
from core.outscale.models import AccessKey, ApiAccessPolicy, CreatedAccessKey
from core.outscale.oapi import Oapi
from core.services import key_intents
from core.services.doors import Door, closed, through
from core.services.kept_keys import kept_row
from core.services.key_intents import About
from core.services.policy import policy_of
from core.services.refusals import maybe_done, refusal
from core.services.registry import register
from core.services.rights import use_case
from core.services.scope import Scope, scope_of
from core.services.seen import note_keys, note_use, read_use
from core.services.signing import api_with
from core.services.use_case import changing, note_failure
from core.services.workspace import Workspace
from core.store.store import StoreError
from core.store.tables import Credentials, KeptKey, Policy, Project, Rotation, SeenKey, now

KEYS_PER_USER = 10
"""Access keys that OUTSCALE allows a user (documentation, About Access Keys)."""
DEFAULT_LIFE = timedelta(days=365)


class Mark(StrEnum):
    """How a key's age or expiration stands against the policy."""

    FINE = "fine"
    SOON = "soon"
    OVER = "over"


@dataclass(frozen=True)
class KeyView:
    """An access key as the screen shows it. Times are UTC. `used_by` names credentials; `sealed`: its secret is here;
    `rotation` is the id of the rotation that is under way for it."""

    access_key: str
    state: str
    owner: str
    created: datetime | None
    modified: datetime | None
    expires: datetime | None
    tag: str
    age_days: int | None
    age: Mark
    expiry: Mark
    last_used: datetime | None
    quiet_since: datetime | None
    used_by: list[str]
    sealed: bool
    rotation: str | None


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
        views = _views(change.session, door.region, user_name, keys, scope_of(actor, workspace))
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
    if problem := _tag_problem(tag):
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
    if tag is not None and (problem := _tag_problem(tag)):
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


def deletion_warnings(keys: list[KeyView], access_key: str) -> list[str]:
    """What a person should know before deleting one of `keys`: who uses it, and whether it is the last."""
    key = next((key for key in keys if key.access_key == access_key), None)
    warnings = []
    if key and key.used_by:
        warnings.append(
            f"Still used by the credentials {', '.join(key.used_by)}: they stop working. Rotate it instead."
        )
    if key and key.rotation:
        warnings.append("A rotation of this key is under way.")
    if key and len(keys) == 1:
        warnings.append("This is the last key: nothing can sign for this user until another one is created.")
    return warnings


def longest_life(api: Oapi) -> timedelta | None:
    """The account's own rule for the life of a key (ReadApiAccessPolicy); None when there is none, or when it may not
    be read: then OUTSCALE itself says no."""
    try:
        policy: ApiAccessPolicy = api.read_api_access_policy()
    except OutscaleError:
        return None
    seconds = policy.max_access_key_expiration_seconds
    return timedelta(seconds=seconds) if seconds > 0 else None


def expiry_problem(until: datetime | None, longest: timedelta | None) -> FieldProblem | None:
    """What is wrong with the expiration of a key: past, missing where the account's policy demands one, or too late."""
    if until is not None and until <= now():
        return FieldProblem(field="expires", what="This day is not in the future.", mend="Choose a later one.")
    if longest is None:
        return None
    last = latest_day(longest)
    what = ""
    if until is None:
        what = f"The account's policy demands an expiration, at most {longest.days} days from now."
    elif until > now() + longest:
        what = f"The account's policy allows a key at most {longest.days} days."
    return FieldProblem(field="expires", what=what, mend=f"Choose {last} or earlier.") if what else None


def latest_day(longest: timedelta | None) -> date | None:
    """The last day (UTC) on which a key created now may expire; None for any."""
    return (now() + longest).date() if longest else None


def full(ids: list[str]) -> FieldProblem | None:
    """The problem of a user who has as many keys as OUTSCALE allows."""
    if len(ids) < KEYS_PER_USER:
        return None
    return FieldProblem(
        field="form",
        what=f"This user has {len(ids)} access keys, and OUTSCALE allows {KEYS_PER_USER}.",
        mend="Delete one that nothing uses, then create the new one.",
    )


def maybe_created(error: OutscaleError) -> FieldProblem:
    """The problem of a CreateAccessKey whose answer did not come."""
    return FieldProblem(
        field="form",
        what=f"No answer came, so a key may exist at OUTSCALE that nobody holds the secret of. {error.what}",
        mend="It is listed above the keys now: look for it there, and revoke it.",
    )


def gone(access_key: str) -> FieldProblem:
    """The problem of a key that was deleted elsewhere meanwhile."""
    return FieldProblem(
        field="form",
        what=f"The access key {access_key} does not exist any more: somebody deleted it.",
        mend="Read the list again.",
    )


def _views(session: Session, region: str, user_name: str, keys: list[AccessKey], scope: Scope) -> list[KeyView]:
    policy = policy_of(session)
    ids = [key.access_key_id for key in keys]
    used: dict[str, list[str]] = {}
    for access_key, name in session.exec(
        select(Project.access_key, Credentials.name)
        .join(Credentials)
        .where(col(Project.access_key).in_(ids), Project.region == region, scope.credentials())
        .order_by(col(Credentials.name))
    ):
        used.setdefault(access_key, []).append(name)
    for bill_key, name in session.exec(
        select(Credentials.billing_access_key, Credentials.name)
        .where(col(Credentials.billing_access_key).in_(ids), scope.credentials())
        .order_by(col(Credentials.name))
    ):
        used.setdefault(bill_key or "", []).append(name)
    kept = set(session.exec(select(KeptKey.access_key).where(KeptKey.region == region)).all())
    seen = {row.access_key: row for row in session.exec(select(SeenKey).where(SeenKey.region == region)).all()}
    rotations = session.exec(select(Rotation).where(Rotation.region == region, col(Rotation.ended).is_(None))).all()
    rotating = {row.old_key: row.id for row in rotations}
    views = [
        KeyView(
            access_key=key.access_key_id,
            state=key.state,
            owner=user_name,
            created=key.creation_date,
            modified=key.last_modification_date,
            expires=key.expiration_date,
            tag=key.tag or "",
            age_days=(now() - key.creation_date).days if key.creation_date else None,
            age=_age(key, policy),
            expiry=_expiry(key, policy),
            last_used=seen[key.access_key_id].last_used if key.access_key_id in seen else None,
            quiet_since=seen[key.access_key_id].quiet_since if key.access_key_id in seen else None,
            used_by=list(dict.fromkeys(used.get(key.access_key_id, []))),
            sealed=key.access_key_id in kept or key.access_key_id in used,
            rotation=rotating.get(key.access_key_id),
        )
        for key in keys
    ]
    return sorted(views, key=lambda view: view.created or datetime.min.replace(tzinfo=UTC), reverse=True)


def _age(key: AccessKey, policy: Policy) -> Mark:
    if key.creation_date is None:
        return Mark.FINE
    return Mark.OVER if now() - key.creation_date > timedelta(days=policy.old_days) else Mark.FINE


def _expiry(key: AccessKey, policy: Policy) -> Mark:
    if key.expiration_date is None or key.expiration_date > now() + timedelta(days=policy.expires_soon_days):
        return Mark.FINE
    return Mark.SOON if key.expiration_date > now() else Mark.OVER


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


def _tag_problem(tag: str) -> FieldProblem | None:
    if len(tag.strip()) <= 255:
        return None
    return FieldProblem(field="tag", what="The tag is longer than 255 characters.", mend="Shorten it.")
