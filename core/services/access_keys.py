"""Access keys of an account: opened by the password, listed, created. A key is born here, so it is not lost here."""

import secrets
import threading
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from pydantic import SecretStr
from sqlmodel import col, select

from core.domain.actor import Actor
from core.domain.credentials import FieldProblem
from core.domain.regions import Region
from core.outscale.errors import OutscaleError
from core.outscale.models import AccessKey, CreatedAccessKey
from core.outscale.oapi import Oapi
from core.sandbox.info import read_info
from core.services.use_case import changing, looking
from core.services.workspace import Workspace
from core.store.store import StoreError
from core.store.tables import Event, KeptKey, KeyIntent, new_id, now
from core.vault.vault import Place

OPEN_FOR = timedelta(minutes=5)
"""How long a confirmed password is held in this process's memory."""
KEYS_PER_USER = 10
"""Access keys that OUTSCALE allows a user (documentation, About Access Keys)."""
DEFAULT_LIFE = timedelta(days=365)
_OPENED = "access_keys.open"


@dataclass(frozen=True)
class KnownAccount:
    """An account to choose: the email it signs in with, and its Region."""

    email: str
    region: str


@dataclass(frozen=True)
class Door:
    """An opened account. `token` stands for the password, which stays in the service until `closes` (UTC)."""

    token: str
    email: str
    region: str
    closes: datetime


@dataclass(frozen=True)
class Opened:
    """What became of a password confirmation: the door and the keys behind it, or what is wrong."""

    door: Door | None = None
    keys: list[AccessKey] = field(default_factory=list)
    problem: FieldProblem | None = None


@dataclass(frozen=True)
class Created:
    """What became of Generate: the new key with its secret, this once; or what is wrong. `account_id` is empty when
    the new key could not be asked for it."""

    key: CreatedAccessKey | None = None
    account_id: str = ""
    problem: FieldProblem | None = None


_passwords: dict[str, tuple[Door, SecretStr]] = {}
_lock = threading.Lock()


def known_accounts(actor: Actor, workspace: Workspace) -> list[KnownAccount]:
    """The accounts whose keys were opened here before, the last one first, then the running sandbox's demo accounts.

    Raises StoreError when the store cannot be read."""
    with looking(actor, workspace, "access_keys.accounts") as session:
        opened = session.exec(select(Event).where(Event.action == _OPENED).order_by(col(Event.id).desc())).all()
    known = {(event.subject, str(event.details["region"])): None for event in opened}
    demo = read_info(workspace.settings) or {"accounts": []}
    known |= {(account["email"], account["region"]): None for account in demo["accounts"]}
    regions = workspace.regions
    return [KnownAccount(email, region) for email, region in known if region in regions]


def open_account(actor: Actor, workspace: Workspace, email: str, password: SecretStr, region: str) -> Opened:
    """Confirm the password of an account in a Region and read its keys (ReadAccessKeys takes email and password).
    One attempt, never repeated: four failures lock an account.

    Raises StoreError when the store refuses."""
    email = email.strip()
    problem = _form_problem(workspace, email, password, region)
    if problem:
        return Opened(problem=problem)
    try:
        with _api(workspace, workspace.regions[region], email, password) as api:
            keys = api.read_access_keys()
    except OutscaleError as error:
        with changing(actor, workspace, "access_keys.refused") as change:
            change.record(email, region=region, trouble=error.trouble.value)
        return Opened(problem=_refusal("password", error))
    with changing(actor, workspace, _OPENED) as change:
        change.record(email, region=region)
    door = Door(secrets.token_urlsafe(24), email, region, now() + OPEN_FOR)
    with _lock:
        _passwords[door.token] = (door, password)
    return Opened(door=door, keys=_newest_first(keys))


def is_open(door: Door) -> bool:
    """Whether the password behind the door is still held; forgets all those whose time is over."""
    with _lock:
        for token in [token for token, (kept, _) in _passwords.items() if kept.closes <= now()]:
            del _passwords[token]
        return door.token in _passwords


def close_account(door: Door) -> None:
    """Forget the password behind the door."""
    with _lock:
        _passwords.pop(door.token, None)


def list_keys(actor: Actor, workspace: Workspace, door: Door) -> Opened:
    """Read the keys behind an opened door again, the newest first."""
    password = _password(door)
    if password is None:
        return Opened(problem=_closed())
    with looking(actor, workspace, "access_keys.list"):
        pass
    try:
        with _api(workspace, workspace.regions[door.region], door.email, password) as api:
            return Opened(door=door, keys=_newest_first(api.read_access_keys()))
    except OutscaleError as error:
        return Opened(door=door, problem=_refusal("form", error))


def create_key(
    actor: Actor, workspace: Workspace, door: Door, *, expires: date | None = None, tag: str = ""
) -> Created:
    """Create an access key of the opened account. It is ACTIVE. `expires`: the first day (UTC) on which it is no
    longer valid, None for never. The intention is stored before the call and its outcome after, so that a key whose
    answer got lost is not forgotten.

    Raises StoreError when the intention cannot be stored; then nothing was created."""
    password = _password(door)
    if password is None:
        return Created(problem=_closed())
    if expires is not None and expires <= now().date():
        return Created(
            problem=FieldProblem(field="expires", what="This day is not in the future.", mend="Choose a later one.")
        )
    until = datetime.combine(expires, time(), UTC) if expires else None
    region = workspace.regions[door.region]
    intent = new_id()
    with changing(actor, workspace, "access_key.intend") as change:
        change.session.add(KeyIntent(id=intent, actor=actor.name, region=door.region, account_id=door.email))
        change.record(door.email, region=door.region)
    try:
        with _api(workspace, region, door.email, password) as api:
            key = api.create_access_key(expiration=until, tag=tag.strip() or None)
    except OutscaleError as error:
        if error.on_the_way:
            return Created(problem=_maybe_created(error))
        _end(actor, workspace, intent, door, "refused", None)
        return Created(problem=_refusal("form", error))
    try:
        _end(actor, workspace, intent, door, "created", key.access_key_id)
    except StoreError as error:
        # The key exists: showing its secret matters more than the record, whose intent stays open.
        note = FieldProblem(field="form", what=f"The key was created, but not recorded: {error}", mend="Keep it now.")
        return Created(key=key, problem=note)
    return Created(key=key, account_id=_account_of(workspace, region, key))


def keep_key(actor: Actor, workspace: Workspace, key: CreatedAccessKey, region: str, account_id: str) -> None:
    """Keep a new key's secret sealed, because its creator asked for it. Keeping it twice changes nothing.

    Raises StoreError when the store refuses."""
    with changing(actor, workspace, "access_key.keep") as change:
        row = change.session.exec(
            select(KeptKey).where(KeptKey.access_key == key.access_key_id, KeptKey.region == region)
        ).first()
        row = row or KeptKey(access_key=key.access_key_id, region=region, account_id=account_id, secret_key_sealed="")
        row.secret_key_sealed = workspace.vault.seal(key.secret_key, _kept_place(row.id))
        change.session.add(row)
        change.record(key.access_key_id, region=region)


def kept_keys(actor: Actor, workspace: Workspace, region: str) -> set[str]:
    """The access keys of a Region whose secret is kept sealed here."""
    with looking(actor, workspace, "access_keys.kept") as session:
        return set(session.exec(select(KeptKey.access_key).where(KeptKey.region == region)).all())


def kept_secret(actor: Actor, workspace: Workspace, access_key: str, region: str) -> SecretStr | None:
    """The sealed secret of a kept key, opened for the credentials form; None when none is kept.

    Raises VaultError when it does not open."""
    with looking(actor, workspace, "access_key.use") as session:
        row = session.exec(select(KeptKey).where(KeptKey.access_key == access_key, KeptKey.region == region)).first()
        return workspace.vault.open(row.secret_key_sealed, _kept_place(row.id)) if row else None


def _kept_place(row_id: str) -> Place:
    return Place(table="kept_key", row=row_id, field="secret_key")


def _end(actor: Actor, workspace: Workspace, intent: str, door: Door, outcome: str, access_key: str | None) -> None:
    with changing(actor, workspace, f"access_key.{outcome}") as change:
        row = change.session.get_one(KeyIntent, intent)
        row.ended, row.outcome, row.access_key = now(), outcome, access_key
        change.record(access_key or door.email, region=door.region, email=door.email)


def _account_of(workspace: Workspace, region: Region, key: CreatedAccessKey) -> str:
    """A password cannot sign ReadAccounts, the new key can."""
    settings = workspace.settings
    try:
        with Oapi(
            region,
            access_key=key.access_key_id,
            secret_key=key.secret_key,
            connect_timeout=settings.connect_timeout,
            read_timeout=settings.read_timeout,
        ) as api:
            accounts = api.read_accounts()
    except OutscaleError:
        return ""
    return (accounts[0].account_id or "") if accounts else ""


def _api(workspace: Workspace, region: Region, email: str, password: SecretStr) -> Oapi:
    return Oapi(
        region,
        email=email,
        password=password,
        connect_timeout=workspace.settings.connect_timeout,
        read_timeout=workspace.settings.read_timeout,
    )


def _password(door: Door) -> SecretStr | None:
    if not is_open(door):
        return None
    with _lock:
        held = _passwords.get(door.token)
    return held[1] if held else None


def _newest_first(keys: list[AccessKey]) -> list[AccessKey]:
    return sorted(keys, key=lambda key: key.creation_date or datetime.min.replace(tzinfo=UTC), reverse=True)


def _form_problem(workspace: Workspace, email: str, password: SecretStr, region: str) -> FieldProblem | None:
    if "@" not in email:
        return FieldProblem(field="email", what="This is not an email address.", mend="Type the account's email.")
    if not password.get_secret_value():
        return FieldProblem(field="password", what="The password is missing.", mend="Type the account's password.")
    known = workspace.regions.get(region)
    if known is None or known.retired:
        return FieldProblem(
            field="region", what=f"The Region {region} is not open here.", mend="Choose one of the list."
        )
    return None


def _refusal(where: str, error: OutscaleError) -> FieldProblem:
    quote = f" (code {error.code})" if error.code else ""
    request = f" Request ID: {error.request_id}." if error.request_id else ""
    return FieldProblem(field=where, what=error.what + quote, mend=error.mend + request)


def _maybe_created(error: OutscaleError) -> FieldProblem:
    return FieldProblem(
        field="form",
        what=f"No answer came, so a key may have been created whose secret nobody has. {error.what}",
        mend="Read the list again; if a new key is there, delete it in Cockpit before you create another.",
    )


def _closed() -> FieldProblem:
    return FieldProblem(field="password", what="The password is no longer held.", mend="Confirm it again.")
