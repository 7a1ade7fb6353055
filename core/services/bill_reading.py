"""A bill file that stands on this machine's disk, understood: summed, its lines kept as Parquet. Knows no database, no
network and no key: what text does to a reader, it does to a process that has none of them."""

import hashlib
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl

from core.bills.layouts import recognise
from core.bills.lines import SUMMED_LINES, Lines, plain_lines, plain_sums, sum_of, to_lines
from core.bills.numbers import AMOUNT
from core.bills.table import Table
from core.bills.tables import open_tables
from core.domain.bill_lines import LINE, Dialect, Field, Mapping

READER = 1
"""Raised when bill files are understood in another way than before: every file is then read again."""
SAMPLE = 200
"""Rows by which a layout is recognised."""
LARGE = 8 << 20
"""Bytes of an object from which on its lines are kept later."""
GROUP = 50_000
"""Lines that are written at once."""
SHOWN_REFUSED = 1000
"""So many refused lines are kept with their numbers and text; all are counted and summed."""
_TEXT = 500
"""Characters of a refused line that are kept."""
_SHOWN = pl.Schema({LINE: pl.Int64(), "reason": pl.String(), "text": pl.String(), "cost": AMOUNT, "table": pl.String()})


@dataclass(frozen=True)
class Reading:
    """How an object is read: its key, how it is mapped and written (None: that is found out), and the folder that its
    lines are left in (None: they come back as bytes). `lines`: whether they are kept at once, however large it is."""

    key: str
    mapping: Mapping | None
    dialect: Dialect | None
    folder: Path | None
    lines: bool = False


@dataclass(frozen=True)
class Understood:
    """What a file gave. `state` is that of `BillObject`; `sums`: by currency what was accepted; `days`: the first and
    the last. `summary` (its sums), `lines` and `refused_lines`: Parquet, as the path of a file or as bytes; None when
    there are none. `later`: the lines are still to be kept, by the same reading with `lines`."""

    state: str
    problem: str = ""
    layout: str = ""
    accepted: int = 0
    refused: int = 0
    sums: dict[str, Decimal] = field(default_factory=dict)
    refused_sum: Decimal = Decimal(0)
    days: tuple[date, date] | None = None
    accounts: list[str] = field(default_factory=list)
    months: int = 0
    later: bool = False
    summary: Path | bytes | None = None
    lines: Path | bytes | None = None
    refused_lines: Path | bytes | None = None


def understood_by(mapping: Mapping | None, dialect: Dialect | None) -> str:
    """What says how a file is understood: the same text for the same reading."""
    told = f"{mapping.model_dump_json() if mapping else ''}{dialect.model_dump_json() if dialect else ''}"
    return f"{READER}:{hashlib.sha256(told.encode()).hexdigest()[:16]}" if told else f"{READER}:"


def understand(reading: Reading, path: Path, work: Path) -> Understood:
    """What the object at `path` comes to; `work` is a folder for what it needs meanwhile.

    Raises PolarsError for a file that breaks in the middle, OSError when the disk does not take it."""
    opened = open_tables(path, reading.key, work, dialect=reading.dialect)
    problem = " ".join(f"{one.what} {one.mend}" for one in opened.problems)
    if not opened.tables:
        return Understood("not_a_bill", problem=problem or f"It is {opened.kind}, no table.")
    can_wait = reading.folder and not reading.lines and path.stat().st_size >= LARGE
    if can_wait and len(opened.tables) == 1 and not problem:
        soon = _soon(opened.tables[0], reading)
        if soon:
            return soon
    parts: list[_Part] = []
    foreign: list[str] = []
    for number, table in enumerate(opened.tables):
        part = _part(table, reading, work / f"part-{number}")
        if part is None:
            foreign.append(table.name)
        else:
            parts.append(part)
    if not parts:
        return Understood("unknown_layout", problem=problem or "Its columns are not known. Map them.")
    if foreign:
        problem = f"{problem} Not understood: {', '.join(foreign)}.".strip()
    return _kept(reading, parts, problem)


def _soon(table: Table, reading: Reading) -> Understood | None:
    """What a plain table comes to, without its lines; None when it takes reading line by line to know."""
    if table.bad_count:
        return None
    frame = table.scan()
    try:
        mapping = _mapping(table, frame, reading)
        sums = plain_sums(frame, mapping) if mapping else None
    except (pl.exceptions.ComputeError, pl.exceptions.SchemaError, pl.exceptions.ShapeError):
        return None
    if not mapping or sums is None or not len(sums):
        return None
    if table.physical and table.physical() != sums[SUMMED_LINES].sum():
        return None  # a quote may be left open
    return replace(_told(sums), layout=mapping.layout, later=True, summary=_left(reading, sums.write_parquet))


@dataclass(frozen=True)
class _Part:
    """One table's lines, in files: those accepted, and the first of those refused."""

    layout: str
    lines: Path
    refused: int
    refused_sum: Decimal
    shown: pl.DataFrame


def _part(table: Table, reading: Reading, path: Path) -> _Part | None:
    """The lines of a table; None when its columns are not understood. A text whose lines are not all alike is read a
    second time, line by line."""
    path.mkdir()
    if table.unclosed():
        return _read(table.repaired(path), reading, path)
    try:
        part = _read(table, reading, path)
    except (pl.exceptions.ComputeError, pl.exceptions.SchemaError, pl.exceptions.ShapeError):
        return _read(table.repaired(path), reading, path)
    # A cell over several lines shifts the numbers of those after it: only reading line by line tells them.
    if part and part.refused and table.by_line and _has_breaks(table):
        return _read(table.repaired(path), reading, path)
    return part


def _has_breaks(table: Table) -> bool:
    cells = pl.any_horizontal(pl.col(table.columns).str.contains("\n", literal=True))
    return bool(table.scan().select(cells.any()).collect(engine="streaming").item())


def _mapping(table: Table, frame: pl.LazyFrame, reading: Reading) -> Mapping | None:
    if reading.mapping and set(reading.mapping.columns.values()) <= set(table.columns):
        return reading.mapping
    return recognise(table.columns, frame.head(SAMPLE).collect())


def _read(table: Table, reading: Reading, path: Path) -> _Part | None:
    frame = table.scan()
    mapping = _mapping(table, frame, reading)
    if mapping is None:
        return None
    accepted = path / "accepted.parquet"
    if not table.bad_count:
        plain_lines(frame, mapping).sink_parquet(accepted, compression="lz4", row_group_size=GROUP, engine="streaming")
        if _height(pl.scan_parquet(accepted)) == _height(frame):
            return _Part(mapping.layout, accepted, 0, Decimal(0), pl.DataFrame(schema=_SHOWN))
    split: Lines = to_lines(frame, mapping)
    sink = split.accepted.sink_parquet(accepted, compression="lz4", row_group_size=GROUP, lazy=True, engine="streaming")
    refused = split.refused.select(LINE, "reason", pl.col("text").str.slice(0, _TEXT), "cost")
    counted = refused.select(pl.len().alias("count"), pl.col("cost").sum())
    _, shown, totals = pl.collect_all([sink, refused.head(SHOWN_REFUSED), counted], engine="streaming")
    bad = table.bad
    if bad:
        more = pl.DataFrame(
            {LINE: [one.line for one in bad], "reason": [one.reason for one in bad], "text": [one.text for one in bad]},
            schema={LINE: shown.schema[LINE], "reason": pl.String(), "text": pl.String()},
        )
        shown = pl.concat([shown, more], how="diagonal").head(SHOWN_REFUSED)
    return _Part(
        layout=mapping.layout,
        lines=accepted,
        refused=totals["count"][0] + table.bad_count,
        refused_sum=totals["cost"][0] or Decimal(0),
        shown=shown.with_columns(table=pl.lit(table.name)),
    )


def _height(frame: pl.LazyFrame) -> int:
    # Asked for nothing but its length, Polars would map the whole file into memory.
    return int(frame.select(pl.col(LINE).count()).collect(engine="streaming").item())


def _kept(reading: Reading, parts: list[_Part], problem: str) -> Understood:
    """The parts' lines in one file, and what they come to."""
    lines = pl.scan_parquet([part.lines for part in parts])
    sums = sum_of(lines)
    refused = pl.concat([part.shown for part in parts])
    return replace(
        _told(sums),
        problem=problem,
        layout=", ".join(dict.fromkeys(part.layout for part in parts)),
        refused=sum(part.refused for part in parts),
        refused_sum=sum((part.refused_sum for part in parts), Decimal(0)),
        summary=_left(reading, sums.write_parquet) if len(sums) else None,
        lines=_left(reading, parts[0].lines if len(parts) == 1 else lines.sink_parquet) if len(sums) else None,
        refused_lines=_left(reading, refused.write_parquet) if len(refused) else None,
    )


def _told(sums: pl.DataFrame) -> Understood:
    """What a file's sums say of it as a whole."""
    by_currency = sums.group_by(Field.CURRENCY).agg(pl.col(Field.COST).sum())
    first, last = sums[Field.DAY].min(), sums[Field.DAY].max()
    return Understood(
        state="read",
        accepted=int(sums[SUMMED_LINES].sum()),
        sums={row["currency"]: row["cost"] for row in by_currency.iter_rows(named=True)},
        days=(first, last) if isinstance(first, date) and isinstance(last, date) else None,
        accounts=sorted(sums[Field.ACCOUNT].unique().to_list()),
        months=sums[Field.DAY].dt.truncate("1mo").n_unique(),
    )


def _left(reading: Reading, content: Path | Callable[[Path], object]) -> Path | bytes:
    """A file moved or written to where whoever asked finds it."""
    handle, name = tempfile.mkstemp(prefix="lines-", suffix=".parquet", dir=reading.folder)
    os.close(handle)
    path = Path(name)
    try:
        if isinstance(content, Path):
            content.replace(path)
        else:
            content(path)
        if reading.folder is None:
            return path.read_bytes()
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        if reading.folder is None:
            path.unlink(missing_ok=True)
    return path
