"""The audit trail for people: listed by filters, verified, exported."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, LargeBinary, cast, or_
from sqlmodel import Session, col, func, select

from core.domain.actor import Actor
from core.domain.audit import Ending, FaultKind
from core.domain.credentials import FieldProblem
from core.services.audit_chain import SUBJECT, Line, line_columns, line_of, lines, readable
from core.services.audit_check import Progress, TrailReport, examine
from core.services.fetched import Fetched, written
from core.services.rights import use_case
from core.services.sheets import harmless
from core.services.use_case import looking, note, note_failure
from core.services.workspace import Workspace
from core.store.tables import Event
from core.vault.master_key import VaultError

PAGE = 200
_AT_ONCE = 10_000

TrailForm = Literal["csv", "jsonl"]


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
        where = _where(wanted)
        total = session.exec(select(func.count()).select_from(Event).where(*where)).one()
        newest = line_columns().where(*where).order_by(col(Event.id).desc()).offset(offset).limit(limit)
        found = [_shown(line_of(row)) for row in session.execute(newest).all()]
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


@use_case
def export_trail(
    actor: Actor, workspace: Workspace, wanted: TrailFilter, form: TrailForm, path: Path
) -> FieldProblem | None:
    """Write the events that are looked for to `path`, the oldest first, and what kept it from being done. `csv`: text
    that no spreadsheet takes for a formula; `jsonl`: a line of JSON each, unchanged. The export is recorded first.

    Raises StoreError when the store refuses."""
    asked = wanted.model_dump(mode="json", exclude_defaults=True)
    try:
        with looking(actor, workspace, "audit.export") as session:
            note(actor, workspace, "audit.export", SUBJECT, form=form, wanted=asked)
            _write(session, wanted, form, path)
    except OSError as error:
        what = f"The file cannot be written: {error.strerror or error}."
        problem = FieldProblem(field="file", what=what, mend="Choose another place, or make room on the disk.")
        return note_failure(actor, workspace, "audit.export", SUBJECT, problem, form=form)
    return None


@use_case
def trail_file(actor: Actor, workspace: Workspace, wanted: TrailFilter, form: TrailForm, name: str) -> Fetched:
    """The same as a file of the home folder to be saved as `name`; whoever asked removes it with `fetched.drop`.

    Raises StoreError when the store refuses."""
    return written(workspace, name, lambda path: export_trail(actor, workspace, wanted, form, path))


def form_of(path: Path) -> TrailForm | None:
    """The form that a file's name asks for: `.csv` or `.jsonl`."""
    forms: dict[str, TrailForm] = {".csv": "csv", ".jsonl": "jsonl"}
    return forms.get(path.suffix.lower())


def _where(wanted: TrailFilter) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = []
    if wanted.since:
        where.append(col(Event.at) >= wanted.since)
    if wanted.until:
        where.append(col(Event.at) < wanted.until)
    if wanted.actions:
        names = [name for name in wanted.actions if not name.endswith(".")]
        beginnings = [
            col(Event.action).startswith(name, autoescape=True) for name in wanted.actions if name[-1:] == "."
        ]
        any_of = [col(Event.action).in_(names), *beginnings]
        where.append(any_of[0] if len(any_of) == 1 else or_(*any_of))
    if wanted.outcomes:
        where.append(col(Event.outcome).in_(wanted.outcomes))
    for column, part in ((Event.actor, wanted.actor), (Event.subject, wanted.subject), (Event.address, wanted.address)):
        if part.strip():
            where.append(col(column).icontains(part.strip(), autoescape=True))
    return where


def _write(session: Session, wanted: TrailFilter, form: TrailForm, path: Path) -> None:
    with path.open("wb") as out:
        for number, batch in enumerate(_batches(session, wanted)):
            if form == "jsonl":
                out.write(b"".join(line.model_dump_json().encode() + b"\n" for line in batch))
            else:
                _table(batch).write_csv(out, include_header=number == 0)


def _batches(session: Session, wanted: TrailFilter) -> Iterator[list[TrailLine]]:
    """At least one, so that a table has its header."""
    batch: list[TrailLine] = []
    for line in lines(session, *_where(wanted)):
        batch.append(_shown(line))
        if len(batch) == _AT_ONCE:
            yield batch
            batch = []
    yield batch


def _table(batch: list[TrailLine]) -> pl.DataFrame:
    texts = [name for name in TrailLine.model_fields if name != "id"]
    rows = [line.model_dump(mode="json") for line in batch]
    for row in rows:
        if not isinstance(row["details"], str):
            row["details"] = json.dumps(row["details"], ensure_ascii=False)
    schema = {"id": pl.Int64(), **{name: pl.String() for name in texts}}
    return harmless(pl.DataFrame(rows, schema=schema, orient="row").lazy()).collect()


def _shown(line: Line) -> TrailLine:
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
