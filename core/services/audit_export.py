"""The audit trail as a file: CSV for spreadsheets, JSON Lines for programs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import polars as pl
from sqlmodel import Session

from core.domain.actor import Actor
from core.domain.credentials import FieldProblem
from core.services.audit import TrailFilter, TrailLine, shown, where
from core.services.audit_chain import SUBJECT, lines
from core.services.fetched import Fetched, written
from core.services.rights import use_case
from core.services.sheets import harmless
from core.services.use_case import looking, note, note_failure
from core.services.workspace import Workspace

_AT_ONCE = 10_000

TrailForm = Literal["csv", "jsonl"]


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
    for line in lines(session, *where(wanted)):
        batch.append(shown(line))
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
