"""The door to an account's access keys: opened by its password, or by a key whose secret is sealed here."""

import hashlib
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import SecretStr
from sqlmodel import Session, col, select

from core.domain.actor import Actor
from core.domain.credentials import FieldProblem
from core.outscale.errors import OutscaleError, Trouble
from core.outscale.oapi import Oapi
from core.sandbox.info import read_info
from core.services.refusals import refusal
from core.services.registry import find
from core.services.rights import use_case
from core.services.scope import regions_for, scope_of
from core.services.signing import signed_api, stored_keys
from core.services.use_case import changing, looking, note
from core.services.workspace import Workspace
from core.store.columns import now
from core.store.tables.accounts import Account
from core.store.tables.audit import Event

OPEN_FOR = timedelta(minutes=5)
"""How long a confirmed password is held in this process's memory."""
TRIES = 4
"""Wrong passwords in a row that lock an account's sign-in (About Password Protection; facts, section 3)."""
LONGEST_LOCK = timedelta(minutes=10)
"""The longest that OUTSCALE locks a sign-in for (About Password Protection)."""
_OPENED = "access_keys.open"
_REFUSED = "access_keys.refused"
_SALT = secrets.token_bytes(32)


@dataclass(frozen=True)
class KnownAccount:
    """An account to choose: the email that it signs in with, its Region, and its Account ID if it is known."""

    email: str
    region: str
    account_id: str = ""


@dataclass(frozen=True)
class Door:
    """An opened account. Behind `token` the service holds the password until `closes` (UTC); a door that a stored key
    opened (`signed_by`) stays open, because nothing is held for it. `account_id` may be empty behind a password."""

    token: str
    region: str
    email: str = ""
    account_id: str = ""
    signed_by: str = ""
    closes: datetime | None = None

    @property
    def subject(self) -> str:
        """What events about it are about."""
        return self.account_id or self.email


@dataclass(frozen=True)
class Opened:
    """What became of knocking: the door, or what is wrong."""

    door: Door | None = None
    problem: FieldProblem | None = None


_passwords: dict[str, tuple[Door, SecretStr]] = {}
_refused: dict[tuple[str, str], tuple[bytes, datetime]] = {}
"""The last refused password of an email and Region, as a salted hash, and when: the same one is not tried twice."""
_lock = threading.Lock()


@use_case
def known_accounts(actor: Actor, workspace: Workspace) -> list[KnownAccount]:
    """The accounts whose keys were opened here before, the last one first, then the others that are known with their
    email, then the running sandbox's demo accounts.

    Raises StoreError when the store cannot be read."""
    with looking(actor, workspace, "access_keys.accounts") as session:
        opened = session.exec(select(Event).where(Event.action == _OPENED).order_by(col(Event.id).desc())).all()
        accounts = session.exec(select(Account).order_by(col(Account.modified).desc())).all()
    ids = {(account.email, account.region): account.account_id for account in accounts if account.email}
    demo = read_info(workspace.settings) or {"accounts": []}
    ids |= {(one["email"], one["region"]): one["account_id"] for one in demo["accounts"]}
    known = {(event.subject, str(event.details["region"])): None for event in opened}
    known |= dict.fromkeys(ids)
    regions = regions_for(actor, workspace)
    return [
        KnownAccount(email, region, ids.get((email, region), ""))
        for email, region in known
        if region in regions and not regions[region].retired
    ]


def demo_sign_in(workspace: Workspace, region: str, who: str) -> tuple[str, SecretStr] | None:
    """Email and password of an account of the running sandbox, which hides nothing; None for every other account.
    `who`: its account ID or email."""
    for one in (read_info(workspace.settings) or {"accounts": []})["accounts"]:
        if one["region"] == region and who in {one["account_id"], one["email"]}:
            return one["email"], SecretStr(one["password"])
    return None


@use_case
def open_with_password(actor: Actor, workspace: Workspace, email: str, password: SecretStr, region: str) -> Opened:
    """Confirm the password of an account in a Region, by reading its keys (ReadAccessKeys takes email and password).
    One attempt, never repeated, and a password that was just refused is not tried again: four failures lock an account.

    Raises StoreError when the store refuses."""
    email = email.strip()
    if problem := _form_problem(workspace, email, password, region):
        return Opened(problem=problem)
    if problem := _tried_before(email, password, region):
        note(actor, workspace, _REFUSED, email, outcome="refused", region=region, trouble="not sent again")
        return Opened(problem=problem)
    try:
        with _by_password(workspace, region, email, password) as api:
            api.read_access_keys()
    except OutscaleError as error:
        return Opened(problem=_refused_password(actor, workspace, email, password, region, error))
    with changing(actor, workspace, _OPENED) as change:
        account = _account_of(change.session, email, region)
        if account:
            account.password_confirmed = now()
        change.record(email, region=region, by="password")
    closes = now() + OPEN_FOR
    door = Door(secrets.token_urlsafe(24), region, email, account.account_id if account else "", closes=closes)
    with _lock:
        _refused.pop((email, region), None)
        _passwords[door.token] = (door, password)
    return Opened(door=door)


@use_case
def open_with_key(actor: Actor, workspace: Workspace, access_key: str, region: str) -> Opened:
    """Open an account with a key whose secret is sealed here. OUTSCALE is asked when its keys are listed.

    Raises StoreError when the store refuses."""
    with changing(actor, workspace, "access_keys.open_with_key") as change:
        keys = stored_keys(change.session, region=region, scope=scope_of(actor, workspace))
        key = next((key for key in keys if key.access_key == access_key), None)
        if key is None or region not in workspace.regions:
            change.record(access_key, outcome="failed", region=region)
            return Opened(problem=_no_key())
        account = find(change.session, key.account_id, region)
        change.record(key.account_id or access_key, region=region, by=access_key)
    token = secrets.token_urlsafe(24)
    return Opened(door=Door(token, region, account.email if account else "", key.account_id, signed_by=access_key))


def is_open(door: Door) -> bool:
    """Whether the door still opens; forgets all passwords whose time is over."""
    with _lock:
        for token in [token for token, (kept, _) in _passwords.items() if kept.closes and kept.closes <= now()]:
            del _passwords[token]
        return bool(door.signed_by) or door.token in _passwords


def close_door(door: Door) -> None:
    """Forget the password behind the door."""
    with _lock:
        _passwords.pop(door.token, None)


def forget_passwords() -> None:
    """Forget every password that this process holds."""
    with _lock:
        _passwords.clear()


@use_case
@contextmanager
def through(actor: Actor, workspace: Workspace, door: Door) -> Iterator[Oapi | None]:
    """The API behind a door; None when it is closed, or its key is no longer here.

    Raises StoreError when the store refuses, VaultError when the key's secret does not open."""
    api = _behind(actor, workspace, door)
    if api is None:
        yield None
        return
    with api:
        yield api


def closed(door: Door) -> FieldProblem:
    """The problem of a door that does not open any more."""
    if door.signed_by:
        return _no_key()
    return FieldProblem(field="password", what="The password is no longer held.", mend="Confirm it again.")


def _behind(actor: Actor, workspace: Workspace, door: Door) -> Oapi | None:
    if door.region not in workspace.regions:
        return None
    if door.signed_by:
        with looking(actor, workspace, "access_keys.sign") as session:
            return signed_api(session, workspace, door.signed_by, door.region, scope_of(actor, workspace))
    if not is_open(door):
        return None
    with _lock:
        held = _passwords.get(door.token)
    return _by_password(workspace, door.region, door.email, held[1]) if held else None


def _by_password(workspace: Workspace, region: str, email: str, password: SecretStr) -> Oapi:
    settings = workspace.settings
    return Oapi(
        workspace.regions[region],
        email=email,
        password=password,
        allowed=workspace.allowed,
        connect_timeout=settings.connect_timeout,
        read_timeout=settings.read_timeout,
    )


def _refused_password(
    actor: Actor, workspace: Workspace, email: str, password: SecretStr, region: str, error: OutscaleError
) -> FieldProblem:
    with changing(actor, workspace, _REFUSED) as change:
        wrong = error.trouble is Trouble.AUTHENTICATION
        change.record(email, outcome="refused" if wrong else "failed", region=region, trouble=error.trouble.value)
        change.session.flush()
        left = TRIES - _refusals_in_a_row(change.session, email, region)
    problem = refusal("password", error)
    if error.trouble is not Trouble.AUTHENTICATION:
        return problem
    with _lock:
        _refused[email, region] = (_hashed(password), now())
    if left <= 0:
        note = "The sign-in may be locked now, for a minute or more: wait before the next try."
    else:
        note = f"At most {left} more {'try' if left == 1 else 'tries'} before OUTSCALE locks this sign-in."
    return problem.model_copy(update={"mend": f"{problem.mend} {note}"})


def _refusals_in_a_row(session: Session, email: str, region: str) -> int:
    """Wrong passwords that were given here since the last right one; every fourth locks, so only the rest counts."""
    events = session.exec(
        select(Event)
        .where(Event.subject == email, col(Event.action).in_([_OPENED, _REFUSED]))
        .order_by(col(Event.id).desc())
    ).all()
    count = 0
    for event in events:
        if event.details.get("region") != region:
            continue
        if event.action == _OPENED:
            break
        count += event.details.get("trouble") == Trouble.AUTHENTICATION.value
    return (count - 1) % TRIES + 1 if count else 0


def _tried_before(email: str, password: SecretStr, region: str) -> FieldProblem | None:
    with _lock:
        refused = _refused.get((email, region))
    if refused is None or refused[0] != _hashed(password) or refused[1] + LONGEST_LOCK < now():
        return None
    return FieldProblem(
        field="password",
        what="This very password was just refused, so it was not sent again.",
        mend="Type another one, or try this one again in ten minutes.",
    )


def _hashed(password: SecretStr) -> bytes:
    return hashlib.blake2b(password.get_secret_value().encode(), key=_SALT).digest()


def _account_of(session: Session, email: str, region: str) -> Account | None:
    return session.exec(select(Account).where(Account.email == email, Account.region == region)).first()


def _no_key() -> FieldProblem:
    return FieldProblem(
        field="key",
        what="The secret of this access key is not here any more, or its credentials are disabled.",
        mend="Choose another key, or confirm the account's password.",
    )


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
