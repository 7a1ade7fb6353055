"""The beginning of an object, understood, without fetching it whole."""

import tempfile
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import polars as pl

from core.bills.columnar import parquet_head
from core.bills.dialects import encoding_of
from core.bills.limits import LIMITS
from core.bills.problems import ReadProblem
from core.bills.table import Table
from core.bills.tables import Opened, open_tables
from core.bills.workbooks import workbook_tables
from core.domain.actor import Actor
from core.domain.bill_lines import LINE, Dialect
from core.domain.credentials import FieldProblem
from core.outscale.errors import OutscaleError
from core.outscale.oos import Oos
from core.outscale.ranges import open_ranges
from core.services.billing import BucketChoice, open_storage, refusal
from core.services.rights import use_case
from core.services.use_case import note, note_failure
from core.services.workspace import Workspace

HEAD = 256 * 1024
"""Bytes of the beginning that are fetched; of a file in a zip, so many unpacked ones are looked at."""
ROWS = 100
_TEXT = 20_000
"""Characters of a text without columns that are shown."""
_SHOWN_BAD = 5
_DOWNLOAD = "Download it to look at it."


@dataclass(frozen=True)
class Preview:
    """What an object holds at its beginning. `kind`: its format in words; `rows`: the first rows as text, `columns`
    their header; `whole`: whether these are all; `dialect`: how its text is written, None for other formats; `text`:
    the beginning of a text that is no table; `inside`: what a zip or a workbook holds, one of which can be chosen, and
    `chosen` the one that is shown."""

    kind: str
    rows: pl.DataFrame = field(default_factory=pl.DataFrame)
    whole: bool = False
    dialect: Dialect | None = None
    text: str = ""
    inside: list[str] = field(default_factory=list)
    chosen: str = ""
    problems: list[ReadProblem] = field(default_factory=list)


@use_case
def preview(
    actor: Actor,
    workspace: Workspace,
    choice: BucketChoice,
    key: str,
    *,
    dialect: Dialect | None = None,
    inside: str | None = None,
) -> Preview | FieldProblem:
    """The first rows of an object, whatever it is. `dialect`: how a person says that its text is written; `inside`:
    which file of a zip, or sheet of a workbook, is looked at. That it was looked at is recorded.

    Raises StoreError when the store refuses."""
    where: dict[str, Any] = {"bucket": choice.bucket, "region": choice.region, "key": key}
    storage = open_storage(actor, workspace, choice, "buckets.preview")
    if isinstance(storage, FieldProblem):
        return note_failure(actor, workspace, "buckets.preview", choice.credentials, storage, **where)
    try:
        with tempfile.TemporaryDirectory(prefix="preview-", ignore_cleanup_errors=True) as work:
            seen = _look(storage, choice.bucket, key, Path(work), dialect, inside)
    except OutscaleError as error:
        return note_failure(actor, workspace, "buckets.preview", choice.credentials, refusal(error), **where)
    note(actor, workspace, "buckets.preview", choice.credentials, **where)
    return seen


def _look(
    storage: Oos, bucket: str, key: str, work: Path, dialect: Dialect | None, inside: str | None
) -> Preview | FieldProblem:
    start = storage.read(bucket, key, length=HEAD)
    cut = len(start) >= HEAD
    if cut and start.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PAR1")):
        size, etag = storage.size_of(bucket, key)
        with open_ranges(storage, bucket, key, size, etag) as file:
            return _structured(file, key, start, work, dialect, inside)
    path = work / "object"
    path.write_bytes(start)
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PAR1")):
        with path.open("rb") as file:
            return _structured(file, key, start, work, dialect, inside)
    return _shown(open_tables(path, key, work, dialect=dialect, head=cut), whole=not cut)


def _structured(
    file: IO[bytes], key: str, start: bytes, work: Path, dialect: Dialect | None, inside: str | None
) -> Preview:
    """A format whose directory stands at its end."""
    if start.startswith(b"PAR1"):
        table, problems = parquet_head(file, key, LIMITS, ROWS)
        return Preview("Parquet", table, len(table) < ROWS, problems=problems)
    try:
        with zipfile.ZipFile(file) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if any(entry.filename == "xl/workbook.xml" for entry in entries):
                return _workbook(file, key, work, inside)
            return _zip(archive, entries, work, dialect, inside)
    except (zipfile.BadZipFile, NotImplementedError, zlib.error, EOFError) as error:
        problem = ReadProblem(f"The zip is damaged or cut off: {error}.", "Ask who delivers it for a whole one.")
        return Preview("zip", problems=[problem])


def _workbook(file: IO[bytes], key: str, work: Path, inside: str | None) -> Preview:
    tables, problems = workbook_tables(file, key, work, LIMITS, rows=ROWS)
    names = [table.name.removeprefix(f"{key}: ") for table in tables]
    if not tables:
        return Preview("XLSX", problems=problems)
    number = names.index(inside) if inside in names else 0
    rows = tables[number].scan().head(ROWS).drop(LINE).collect()
    several = len(names) > 1
    return Preview(
        "XLSX",
        rows,
        len(rows) < ROWS,
        inside=names if several else [],
        chosen=names[number] if several else "",
        problems=problems,
    )


def _zip(
    archive: zipfile.ZipFile,
    entries: list[zipfile.ZipInfo],
    work: Path,
    dialect: Dialect | None,
    inside: str | None,
) -> Preview:
    names = [entry.filename for entry in entries[: LIMITS.entries]]
    if not names:
        return Preview("zip", problems=[ReadProblem("The zip is empty.", "Ask who delivers it whether it should be.")])
    chosen = inside if inside in names else names[0]
    entry = archive.getinfo(chosen)
    if entry.flag_bits & 1:
        problem = ReadProblem(f"{chosen} in the zip is protected with a password.", "Ask for one without. " + _DOWNLOAD)
        return Preview("zip", inside=names, chosen=chosen, problems=[problem])
    path = work / "entry"
    with archive.open(entry) as packed:
        path.write_bytes(packed.read(HEAD))
        cut = bool(packed.read(1))
    shown = _shown(open_tables(path, chosen, work, dialect=dialect, head=cut), whole=not cut)
    return Preview(
        f"{shown.kind} in zip", shown.rows, shown.whole, shown.dialect, shown.text, names, chosen, shown.problems
    )


def _shown(opened: Opened, *, whole: bool) -> Preview:
    problems = list(opened.problems)
    if not opened.tables:
        return Preview(opened.kind, whole=whole, text=_text(opened.text) if opened.text else "", problems=problems)
    table = opened.tables[0]
    rows, table = _rows(table)
    problems += [ReadProblem(bad.reason, f"It reads: {bad.text}", bad.line) for bad in table.bad[:_SHOWN_BAD]]
    return Preview(opened.kind, rows, whole and len(rows) < ROWS, table.dialect, problems=problems)


def _rows(table: Table) -> tuple[pl.DataFrame, Table]:
    """The first rows, and the table that they are of: a text whose lines are not all alike is read line by line."""
    if not table.unclosed():
        try:
            return table.scan().drop(LINE).head(ROWS).collect(), table
        except (pl.exceptions.ComputeError, pl.exceptions.SchemaError, pl.exceptions.ShapeError):
            pass
    with tempfile.TemporaryDirectory(prefix="preview-") as work:
        repaired = table.repaired(Path(work))
        return repaired.scan().drop(LINE).head(ROWS).collect(), repaired


def _text(path: Path) -> str:
    start = path.read_bytes()[: 4 * _TEXT]
    return start.decode(encoding_of(start), errors="replace")[:_TEXT]
