"""How every use case reaches the store: who acts, one transaction, one event for every change.

This is the one place through which all of them pass, and so the one where rights are asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session

from core.domain.actor import Actor
from core.domain.audit import Ending
from core.domain.credentials import FieldProblem
from core.services.audit_chain import Chain
from core.services.syslog import copy_events
from core.services.workspace import Workspace
from core.store.tables.audit import Event

_LONGEST_WHY = 500


@dataclass
class Change:
    """A change under way."""

    actor: Actor
    action: str
    session: Session
    workspace: Workspace
    events: list[Event] = field(default_factory=list)
    chain: Chain | None = None

    def record(self, subject: str, *, outcome: Ending = "done", **details: Any) -> None:
        """Write the event of this change to `subject` (a name or ID). `details` never hold a secret.

        Raises VaultError when the trail's key cannot be used."""
        event = Event(
            actor=self.actor.name,
            via=self.actor.via,
            address=self.actor.address,
            action=self.action,
            subject=subject,
            outcome=outcome,
            details=details,
        )
        if self.chain is None:
            self.chain = Chain(self.session, self.workspace.chain_keys)
        self.chain.add(event)
        self.events.append(event)


@contextmanager
def _recorded(actor: Actor, workspace: Workspace, action: str) -> Iterator[Change]:
    """A transaction whose events end the chain; they are copied to syslog when it is stored."""
    with workspace.store.writing() as session:
        change = Change(actor, action, session, workspace)
        yield change
        if change.chain:
            change.chain.close()
    copy_events(workspace.settings, change.events)


@contextmanager
def changing(actor: Actor, workspace: Workspace, action: str) -> Iterator[Change]:
    """A transaction in which `actor` changes something. It ends with everything stored, or nothing.

    Raises StoreError when the store refuses, VaultError when the event cannot be chained; RuntimeError when the use
    case forgot its event."""
    with _recorded(actor, workspace, action) as change:
        before = _written(change.session)
        yield change
        change.session.flush()
        if not change.events and _written(change.session) != before:
            raise RuntimeError(f"{action} changed something without recording an event")


def _written(session: Session) -> int:
    """How many rows were written so far, by whatever way."""
    driver = session.connection().connection.driver_connection
    assert driver is not None  # noqa: S101 - a connection in use has one
    return int(driver.total_changes)


@contextmanager
def looking(actor: Actor, workspace: Workspace, action: str) -> Iterator[Session]:
    """A transaction in which `actor` only reads; `action` says what is looked at.

    Raises StoreError when the store refuses."""
    with workspace.store.reading() as session:
        yield session


class NotAllowedError(Exception):
    """The acting person may not do that. The text is for the person and says who may."""


def refuse(actor: Actor, workspace: Workspace, action: str, subject: str, why: str) -> NotAllowedError:
    """Record that `actor` was refused `action` on `subject`; gives the error to raise, whose text is `why`.

    Raises StoreError when the refusal cannot be recorded."""
    note(actor, workspace, f"refused.{action}", subject, outcome="refused", role=actor.role, why=why)
    return NotAllowedError(why)


def note(
    actor: Actor, workspace: Workspace, action: str, subject: str, *, outcome: Ending = "done", **details: Any
) -> None:
    """Record what is no change: a sign-in, a reveal, a check, a download, and what failed. Whoever must not do a thing
    unseen notes it first. `details` never hold a secret.

    Raises StoreError when the store refuses, VaultError when the event cannot be chained."""
    with _recorded(actor, workspace, action) as change:
        change.record(subject, outcome=outcome, **details)


def note_failure(
    actor: Actor, workspace: Workspace, action: str, subject: str, problem: FieldProblem, **details: Any
) -> FieldProblem:
    """Record that something was tried and did not work; gives `problem`, which says why, back.

    Raises StoreError when the store refuses, VaultError when the event cannot be chained."""
    note(actor, workspace, action, subject, outcome="failed", why=problem.what[:_LONGEST_WHY], **details)
    return problem
