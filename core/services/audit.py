"""The audit trail for people: listed by filters, verified."""

import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, LargeBinary, cast, or_
from sqlmodel import col, func, select

from core.domain.actor import Actor
from core.domain.audit import Ending, FaultKind
from core.services.audit_chain import SUBJECT, Line, line_columns, line_of, readable
from core.services.audit_check import Progress, TrailReport, examine
from core.services.rights import use_case
from core.services.use_case import looking, note
from core.services.workspace import Workspace
from core.store.tables.audit import Event
from core.vault.master_key import VaultError

PAGE = 200


class TrailFilter(BaseModel):
    """Which events are looked for; what is empty does not narrow. From `since` on and before `until`; `actor`,
    `subject` and `address` are parts of a word, small and capital letters alike; `actions` whole names, or their
    beginnings with a dot at the end."""

    model_config = ConfigDict(frozen=True)

    since: datetime | None = None
    until: datetime | None = None
    actor: str = ""
    actions: tuple[str, ...] = ()
    subject: str = ""
    outcomes: tuple[Ending, ...] = ()
    address: str = ""


class TrailLine(BaseModel):
    """An event as it is shown and exported. `at` is UTC, and None when somebody made it unreadable; `details` are text
    then."""

    model_config = ConfigDict(frozen=True)

    id: int
    at: datetime | None
    actor: str
    via: str
    address: str
    action: str
    subject: str
    outcome: str
    details: dict[str, Any] | str
    previous: str
    mac: str

    @property
    def said(self) -> str:
        """The details in one line."""
        if isinstance(self.details, str):
            return self.details
        return ", ".join(f"{name}: {value}" for name, value in self.details.items())


@dataclass(frozen=True)
class TrailPage:
    """A page of the trail, the newest first, and how many events there are in all that are looked for."""

    lines: list[TrailLine]
    total: int


@use_case
def list_trail(
    actor: Actor, workspace: Workspace, wanted: TrailFilter, offset: int = 0, limit: int = PAGE
) -> TrailPage:
    """The events that are looked for, the newest first.

    Raises StoreError when the store cannot be read."""
    with looking(actor, workspace, "audit.list") as session:
        narrowed = where(wanted)
        total = session.exec(select(func.count()).select_from(Event).where(*narrowed)).one()
        newest = line_columns().where(*narrowed).order_by(col(Event.id).desc()).offset(offset).limit(limit)
        found = [shown(line_of(row)) for row in session.execute(newest).all()]
    return TrailPage(found, total)


@use_case
def trail_actions(actor: Actor, workspace: Workspace) -> list[str]:
    """The actions that are in the trail, to choose from.

    Raises StoreError when the store cannot be read."""
    with looking(actor, workspace, "audit.list") as session:
        rows = session.execute(select(cast(col(Event.action), LargeBinary)).distinct()).scalars()
        return sorted(map(readable, rows))


@use_case
def verify_trail(
    actor: Actor, workspace: Workspace, *, progress: Progress | None = None, stop: threading.Event | None = None
) -> TrailReport:
    """Look through the whole trail for lines that were altered, removed, inserted or moved, and for an end that was cut
    off. That it was done, and what came out, is recorded.

    Raises StoreError when the store refuses."""
    try:
        keys = workspace.chain_keys
    except VaultError as error:
        report = TrailReport()
        report.add(None, FaultKind.KEY, str(error))
        return report
    with looking(actor, workspace, "audit.verify") as session:
        report = examine(session, keys, progress=progress, stop=stop)
    if not report.stopped:
        wrong = len(report.faults) + report.more
        ending: Ending = "done" if report.whole else "failed"
        note(actor, workspace, "audit.verify", SUBJECT, outcome=ending, lines=report.lines, wrong=wrong)
    return report


def where(wanted: TrailFilter) -> list[ColumnElement[bool]]:
    """What an event must fulfil to be one of those that are looked for, for a query."""
    narrowed: list[ColumnElement[bool]] = []
    if wanted.since:
        narrowed.append(col(Event.at) >= wanted.since)
    if wanted.until:
        narrowed.append(col(Event.at) < wanted.until)
    if wanted.actions:
        names = [name for name in wanted.actions if not name.endswith(".")]
        beginnings = [
            col(Event.action).startswith(name, autoescape=True) for name in wanted.actions if name[-1:] == "."
        ]
        any_of = [col(Event.action).in_(names), *beginnings]
        narrowed.append(any_of[0] if len(any_of) == 1 else or_(*any_of))
    if wanted.outcomes:
        narrowed.append(col(Event.outcome).in_(wanted.outcomes))
    for column, part in ((Event.actor, wanted.actor), (Event.subject, wanted.subject), (Event.address, wanted.address)):
        if part.strip():
            narrowed.append(col(column).icontains(part.strip(), autoescape=True))
    return narrowed


def shown(line: Line) -> TrailLine:
    """A line of the chain as people get it."""
    fields = dict(line.fields)
    try:
        at = datetime.fromisoformat(fields.pop("at"))
    except ValueError:
        at = None
    if not isinstance(fields["details"], dict):
        fields["details"] = str(fields["details"])
    return TrailLine(
        id=line.id, at=at, mac=line.mac, **{name: value for name, value in fields.items() if name != "number"}
    )
