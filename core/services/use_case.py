"""How every use case reaches the store: who acts, one transaction, one event for every change.

This is the one place through which all of them pass, and so the one where rights are asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlmodel import Session

from core.domain.actor import Actor
from core.services.workspace import Workspace
from core.store.tables import Event


@dataclass
class Change:
    """A change under way."""

    actor: Actor
    action: str
    session: Session
    recorded: int = field(default=0)

    def record(self, subject: str, **details: Any) -> None:
        """Write the event of this change to `subject` (a name or ID). `details` never hold a secret."""
        self.session.add(
            Event(actor=self.actor.name, via=self.actor.via, action=self.action, subject=subject, details=details)
        )
        self.recorded += 1


@contextmanager
def changing(actor: Actor, workspace: Workspace, action: str) -> Iterator[Change]:
    """A transaction in which `actor` changes something. It ends with everything stored, or nothing.

    Raises StoreError when the store refuses; RuntimeError when the use case forgot its event."""
    with workspace.store.writing() as session:
        change = Change(actor, action, session)
        yield change
        if not change.recorded and (session.new or session.dirty or session.deleted):
            raise RuntimeError(f"{action} changed something without recording an event")


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
    with workspace.store.writing() as session:
        Change(actor, f"refused.{action}", session).record(subject, role=actor.role, why=why)
    return NotAllowedError(why)


def note(
    actor: Actor,
    workspace: Workspace,
    action: str,
    subject: str,
    *,
    outcome: Literal["done", "refused", "failed"] = "done",
    **details: Any,
) -> None:
    """Record something that changes nothing itself: what was looked at, refused, or failed. No secret in `details`.

    Raises StoreError when it cannot be recorded."""
    with workspace.store.writing() as session:
        Change(actor, action, session).record(subject, outcome=outcome, **details)
