"""XLSX workbooks: each sheet with a table in it."""

import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import IO, Any

from core.bills.batches import Batches, unique
from core.bills.limits import Limits
from core.bills.problems import ReadProblem
from core.bills.table import Table

_SEARCHED = 30
"""Rows in which the header is searched: titles and blanks may stand above it."""


def workbook_tables(
    source: Path | IO[bytes], name: str, work: Path, limits: Limits, *, rows: int | None = None
) -> tuple[list[Table], list[ReadProblem]]:
    """The tables of a workbook, of each sheet at most `rows`. The sheets are read row by row; the workbook's shared
    texts are held in memory. Dates come as `2026-01-31`, amounts as Excel holds them: with 15 digits.

    Raises OSError when the disk does not take them."""
    import openpyxl  # noqa: PLC0415 - only who has workbooks waits for it
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415

    try:
        size = _unpacked(source)
        if size > limits.sheet:
            what = f"{name} unpacks to {size >> 20:,} MiB, more than the {limits.sheet >> 20:,} MiB that are read."
            return [], [ReadProblem(what, "Deliver it as CSV or Parquet, which have no such bound.")]
        # As a file: of a path, openpyxl judges the name.
        file = source.open("rb") if isinstance(source, Path) else source
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, SyntaxError) as error:
        return [], [_broken(name, error)]
    tables: list[Table] = []
    problems: list[ReadProblem] = []
    try:
        for number, sheet in enumerate(book.worksheets):
            # The size that a workbook names for a sheet may be wrong, and hide rows.
            sheet.reset_dimensions()
            label = f"{name}: {sheet.title}" if len(book.worksheets) > 1 else name
            batches = Batches(work / f"sheet-{number}")
            try:
                wide = _fill(batches, sheet.iter_rows(values_only=True), limits, rows)
            except (zipfile.BadZipFile, KeyError, ValueError, SyntaxError, EOFError) as error:
                problems.append(_broken(label, error))
                wide = False
            if wide:
                what = f"{label} has more than {limits.columns:,} columns."
                problems.append(ReadProblem(what, "Ask who delivers it for a narrower table."))
            elif batches.rows:
                tables.append(Table(label, "XLSX", list(batches.columns), batches.scan))
    finally:
        book.close()
    if not tables and not problems:
        problems.append(ReadProblem(f"{name} has no sheet with rows under a header.", "Ask who delivers it."))
    return tables, problems


def _unpacked(source: Path | IO[bytes]) -> int:
    with zipfile.ZipFile(source) as archive:
        return sum(entry.file_size for entry in archive.infolist())


def _broken(name: str, error: Exception) -> ReadProblem:
    return ReadProblem(f"{name} is a broken or cut workbook: {error}.", "Ask who delivers it for a whole one.")


def _fill(batches: Batches, rows: Iterator[tuple[Any, ...]], limits: Limits, most: int | None) -> bool:
    """Put the rows under the header down. True when there are too many columns."""
    before: list[tuple[int, list[str | None]]] = []
    numbered = ((number, [_as_text(cell) for cell in row]) for number, row in enumerate(rows, 1))
    for number, row in numbered:
        if len(row) > limits.columns:
            return True
        before.append((number, row))
        if len(before) == _SEARCHED:
            break
    told = [(number, row) for number, row in before if any(row)]
    if not told:
        return False
    widest = max(_width(row) for _, row in told)
    header_line, header = next(((number, row) for number, row in told if _width(row) >= max(2, widest - 1)), told[0])
    names = unique([cell or "" for cell in header] + [""] * (widest - len(header)))
    batches.columns = dict.fromkeys(names)
    for number, row in _after(before, header_line, numbered):
        if most is not None and batches.rows >= most:
            break
        if any(row):
            extra = len(row) - len(names)
            if extra > 0 and any(row[len(names) :]):
                names = unique(names + [""] * extra)
            batches.add(number, dict(zip(names, row, strict=False)))
    return False


def _after(
    before: list[tuple[int, list[str | None]]], header: int, rest: Iterator[tuple[int, list[str | None]]]
) -> Iterator[tuple[int, list[str | None]]]:
    yield from ((number, row) for number, row in before if number > header)
    yield from rest


def _width(row: list[str | None]) -> int:
    """How many cells are told, blanks at the end left out."""
    return sum(cell is not None for cell in row)


def _as_text(cell: Any) -> str | None:
    match cell:
        case None:
            return None
        case bool():
            return "true" if cell else "false"
        case datetime():
            return cell.isoformat(sep=" ") if cell.time() != time() else cell.date().isoformat()
        case date() | time() | timedelta():
            return str(cell)
        case float():
            return repr(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    text = str(cell).strip()
    return text or None
