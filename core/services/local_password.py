"""The local operator's own password: the proof for a reveal where nobody signs in.

It is kept as a hash. A try is counted before it is looked at, in a transaction of its own, so that neither a kill nor
many tries at once win another one; after each wrong one the wait before the next is twice as long."""

import os
from dataclasses import dataclass
from datetime import timedelta

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from pydantic import SecretStr
from sqlmodel import Session

from core.domain.actor import Actor
from core.domain.credentials import FieldProblem
from core.domain.passphrases import PASSPHRASE_RULE, weakness
from core.services.rights import use_case
from core.services.use_case import changing, looking
from core.services.workspace import Workspace
from core.store.columns import now
from core.store.tables.people import LocalPassword

COST = 2**17
"""Scrypt's n, with r 8 and p 1: the least that OWASP's Password Storage Cheat Sheet asks for; 128 MiB for a try."""
FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(hours=1)
HOW_TO_SET = "Set one in the terminal: onboarding password set"


@dataclass(frozen=True)
class Tried:
    """What became of a try: `problem` says why it was no proof, `reason` the same in one word for the event."""

    problem: FieldProblem | None = None
    reason: str = ""


@use_case
def set_password(actor: Actor, workspace: Workspace, password: SecretStr) -> FieldProblem | None:
    """Set the password, or another one in its place; waits end. Returns what is wrong with it, or None when it is set.

    Raises StoreError when the store refuses."""
    if weak := weakness(password):
        return FieldProblem(field="password", what=f"The password {weak}", mend=PASSPHRASE_RULE)
    salt = os.urandom(16)
    digest = _scrypt(salt, COST).derive(password.get_secret_value().encode())
    with changing(actor, workspace, "password.set") as change:
        row = change.session.get(LocalPassword, 1)
        first = row is None
        row = row or LocalPassword(salt=salt, hash=digest, cost=COST)
        row.salt, row.hash, row.cost, row.modified = salt, digest, COST, now()
        clear_tries(row)
        change.session.add(row)
        change.record(actor.name, first=first)
    return None


@use_case
def password_is_set(actor: Actor, workspace: Workspace) -> bool:
    """Whether there is a password."""
    with looking(actor, workspace, "password.look") as session:
        return session.get(LocalPassword, 1) is not None


def try_password(workspace: Workspace, password: SecretStr) -> Tried:
    """Compare a password with the one that is set. A right one stays counted as a try until `clear_tries`, which
    belongs into the transaction that the password was asked for.

    Raises StoreError when the try cannot be counted; then it is not made."""
    with workspace.store.writing() as session:
        row = session.get(LocalPassword, 1)
        if row is None:
            return _failed("No password is set, and nothing is revealed without one.", HOW_TO_SET, "not set")
        moment = now()
        if row.wait_until and moment < row.wait_until:
            return _failed(
                f"{row.wrong} wrong passwords in a row. The next try is possible in {_words(row.wait_until - moment)}.",
                "Wait, then type it with care.",
                "too soon",
            )
        row.wrong += 1
        wait = min(FIRST_WAIT * 2 ** min(row.wrong - 1, 20), LONGEST_WAIT)
        row.wait_until = moment + wait
        session.add(row)
        salt, digest, cost, wrong = row.salt, row.hash, row.cost, row.wrong
    try:
        _scrypt(salt, cost).verify(password.get_secret_value().encode(), digest)
    except InvalidKey:
        _wait_from_now(workspace, wrong, wait)
        return _failed("This is not the password.", f"The next try is possible in {_words(wait)}.", "wrong")
    return Tried()


def clear_tries(row: LocalPassword) -> None:
    """Forget the tries: the right password was given."""
    row.wrong, row.wait_until = 0, None


def forget_tries(session: Session) -> None:
    """The same, in a transaction."""
    if row := session.get(LocalPassword, 1):
        clear_tries(row)
        session.add(row)


def _wait_from_now(workspace: Workspace, wrong: int, wait: timedelta) -> None:
    """A comparison takes its time, which is no part of the wait."""
    with workspace.store.writing() as session:
        row = session.get(LocalPassword, 1)
        if row and row.wrong == wrong:  # nobody tried, and no other password was set meanwhile
            row.wait_until = now() + wait
            session.add(row)


def _failed(what: str, mend: str, reason: str) -> Tried:
    return Tried(FieldProblem(field="password", what=what, mend=mend), reason)


def _words(wait: timedelta) -> str:
    seconds = max(1, round(wait.total_seconds()))
    return f"{seconds} s" if seconds < 120 else f"{round(seconds / 60)} min"


def _scrypt(salt: bytes, cost: int) -> Scrypt:
    return Scrypt(salt=salt, length=32, n=cost, r=8, p=1)
