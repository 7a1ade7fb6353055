"""Tables of separated text: CSV in all its ways."""

import codecs
import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import polars as pl

from core.bills.batches import Batches, unique
from core.bills.dialects import detect
from core.bills.limits import Limits
from core.bills.problems import BadLine, ReadProblem
from core.bills.table import SHOWN_BAD, Table
from core.domain.bill_lines import LINE, Dialect

if TYPE_CHECKING:
    import _csv

Found = tuple[str, list[Table], list[ReadProblem]]
_PIECE = 1 << 20
_SAMPLE_ROWS = 100
_LONGEST = 100_000
"""Characters of a line that are looked at for the table's width; Python's reader refuses longer cells."""
_TEXT = 300
"""Characters of a bad line that are kept."""


@dataclass(frozen=True)
class _Text:
    """A text in UTF-8 and how it is written. `first`: the physical line of the first row, from 1."""

    path: Path
    name: str
    dialect: Dialect
    limits: Limits
    columns: list[str]
    first: int


def delimited_table(path: Path, name: str, work: Path, dialect: Dialect | None, limits: Limits, head: bool) -> Found:
    """The table in a text file: its kind, the table and what is wrong. The kind is empty for a text without columns.

    Raises OSError when the disk does not take what is turned into UTF-8."""
    work.mkdir(parents=True, exist_ok=True)
    dialect = dialect or detect(path)
    try:
        path = _in_utf8(path, work, dialect, head)
    except (UnicodeError, LookupError) as error:
        problem = ReadProblem(f"{name} cannot be read as {dialect.encoding}: {error}.", "Choose another encoding.")
        return "CSV", [], [problem]
    endless = _endless(path, limits)
    if endless and not head:
        what = f"{name} begins with a line of more than {limits.line >> 10:,} KiB."
        return "text", [], [ReadProblem(what, "It is no table of lines. Ask who delivers it for another one.", 1)]
    found = _header(path, dialect)
    if isinstance(found, ReadProblem):
        return "CSV", [], [found]
    names, first = found
    if len(names) < 2:
        return "", [], []
    if len(names) > limits.columns:
        what = f"{name} has {len(names):,} columns, more than the {limits.columns:,} that are read."
        return "CSV", [], [ReadProblem(what, "Ask who delivers it for a narrower table.", dialect.skip + 1)]
    text = _Text(path, name, dialect, limits, unique(names), first)
    table = _table(text)
    empty = [] if _has_rows(path, first) else [ReadProblem(f"{name} has a header and no rows.", "Nothing to add up.")]
    return "CSV", [table], empty


def _table(text: _Text) -> Table:
    return Table(
        name=text.name,
        kind="CSV",
        columns=text.columns,
        reader=lambda: _scan(text),
        dialect=text.dialect,
        by_line=lambda work: _by_line(text, work),
        unclosed=lambda: _open_quote(text),
        physical=lambda: _physical(text),
    )


def _scan(text: _Text) -> pl.LazyFrame:
    return pl.scan_csv(
        text.path,
        has_header=False,
        skip_lines=text.first - 1,
        separator=text.dialect.separator,
        quote_char=text.dialect.quote or None,
        schema=dict.fromkeys(text.columns, pl.String()),
        missing_columns="insert",
        row_index_name=LINE,
        row_index_offset=text.first,
    ).with_columns(pl.col(LINE).cast(pl.Int64))


def _in_utf8(path: Path, work: Path, dialect: Dialect, head: bool) -> Path:
    """The file itself when it is UTF-8 with line ends that are known; else a copy that is. Of a beginning, the last
    line is left out: it may be cut."""
    with path.open("rb") as file:
        start = file.read(_PIECE)
    plain = codecs.lookup(dialect.encoding).name in {"utf-8", "utf-8-sig", "ascii"}
    beginning = start.decode(dialect.encoding, errors="replace")
    old_mac = "\r" in beginning and "\n" not in beginning
    if plain and not old_mac and not head:
        return path
    turned = work / "text"
    decoder = codecs.getincrementaldecoder(dialect.encoding)(errors="strict" if not plain else "surrogateescape")
    with path.open("rb") as file, turned.open("wb") as out:
        while piece := file.read(_PIECE):
            decoded = decoder.decode(piece)
            if old_mac:
                decoded = decoded.replace("\r", "\n")
            out.write(decoded.encode(errors="surrogateescape"))
        if not head:
            out.write(decoder.decode(b"", final=True).encode(errors="surrogateescape"))
    if head:
        _drop_last_line(turned)
    return turned


def _drop_last_line(path: Path) -> None:
    with path.open("r+b") as file:
        text = file.read()
        if b"\n" in text:
            file.truncate(text.rindex(b"\n") + 1)


def _endless(path: Path, limits: Limits) -> bool:
    with path.open("rb") as file:
        return len(file.readline(limits.line + 1)) > limits.line


def _header(path: Path, dialect: Dialect) -> tuple[list[str], int] | ReadProblem:
    """The columns' names and the line of the first row. A table is as wide as most of its first rows."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        for _ in range(dialect.skip):
            file.readline()
        reader = _reader(iter(lambda: file.readline(_LONGEST), ""), dialect)
        try:
            rows = [row for _, row in zip(range(1), reader, strict=False)]
            after = reader.line_num
            with suppress(csv.Error):  # a line that is broken further down is told with its number when all are read
                rows.extend(row for _, row in zip(range(_SAMPLE_ROWS), reader, strict=False))
        except csv.Error as error:
            what = f"The header cannot be read: {error}."
            return ReadProblem(what, "Correct how the text is written, its quotes first.", dialect.skip + 1)
    if not rows:
        return ReadProblem("Nothing is left after the skipped lines.", "Skip fewer.", dialect.skip + 1)
    widths = Counter(len(row) for row in rows[1 if dialect.header else 0 :] if any(row))
    most = max(widths, key=lambda width: (widths[width], width)) if widths else 0
    names = rows[0] if dialect.header else []
    names = names + [""] * (most - len(names))
    return names, dialect.skip + (after if dialect.header else 0) + 1


def _reader(lines: Iterable[str], dialect: Dialect) -> "_csv.Reader":
    if not dialect.quote:
        return csv.reader(lines, delimiter=dialect.separator, quoting=csv.QUOTE_NONE)
    return csv.reader(lines, delimiter=dialect.separator, quotechar=dialect.quote)


def _has_rows(path: Path, first: int) -> bool:
    with path.open("rb") as file:
        for _ in range(first - 1):
            file.readline(_PIECE)
        return bool(file.read(_PIECE).strip())


def _physical(text: _Text) -> int:
    lines = pl.scan_csv(
        text.path,
        has_header=False,
        skip_lines=text.first - 1,
        separator=text.dialect.separator,
        quote_char=None,
        schema={"line": pl.String()},
        truncate_ragged_lines=True,
    )
    return int(lines.select(pl.len()).collect(engine="streaming").item())


def _open_quote(text: _Text) -> bool:
    if not text.dialect.quote:
        return False
    mark = text.dialect.quote.encode()
    with text.path.open("rb") as file:
        return sum(piece.count(mark) for piece in iter(lambda: file.read(_PIECE), b"")) % 2 == 1


def _by_line(text: _Text, work: Path) -> Table:
    """Read record by record: what is no row is kept apart, with its line."""
    batches = Batches(work / "rows")
    table = Table(name=text.name, kind="CSV", columns=text.columns, reader=batches.scan, dialect=text.dialect)
    batches.columns = dict.fromkeys(text.columns)
    width = len(text.columns)
    for line, record, reason in _records(text):
        cells = [] if reason else _cells(record, text.dialect)
        why = reason or _unfit(cells, width)
        if not why and cells is not None:
            batches.add(line, dict(zip(text.columns, [cell or None for cell in cells], strict=False)))
            continue
        table.bad_count += 1
        if len(table.bad) < SHOWN_BAD:
            table.bad.append(BadLine(line, why, record[:_TEXT]))
    return table


def _unfit(cells: list[str] | None, width: int) -> str:
    if cells is None:
        return "Its quotes are not right."
    return f"It has {len(cells)} cells, and the table {width} columns." if any(cells[width:]) else ""


def _cells(record: str, dialect: Dialect) -> list[str] | None:
    try:
        rows = list(_reader([record], dialect))
    except csv.Error:
        return None
    return rows[0] if rows else []


def _records(text: _Text) -> Iterator[tuple[int, str, str]]:
    """Line, text and what is wrong of each record. A cell in quotes may go over lines; a quote that stays open for too
    many makes its own line bad, and the next ones are read again."""
    with text.path.open("rb") as file:
        for _ in range(text.first - 1):
            file.readline()
        lines = _Lines(file, text.first, text.limits.line)
        quote = text.dialect.quote
        while (line := lines.next()) is not None:
            number, content, whole = line
            if not whole:
                yield number, content, f"It is longer than {text.limits.line >> 10:,} KiB."
                continue
            if not quote or content.count(quote) % 2 == 0:
                yield number, content, ""
                continue
            more: list[tuple[int, str, bool]] = []
            joined = content
            while joined.count(quote) % 2 and len(more) < text.limits.record_lines:
                following = lines.next()
                if following is None:
                    break
                more.append(following)
                joined = f"{joined}\n{following[1]}"
            if joined.count(quote) % 2:
                lines.again(more)
                yield number, content, "A quote is opened and not closed."
            else:
                yield number, joined, ""


class _Lines:
    """Physical lines with their numbers, which can be given back."""

    def __init__(self, file: BinaryIO, first: int, longest: int) -> None:
        self._file = file
        self._number = first
        self._longest = longest
        self._back: list[tuple[int, str, bool]] = []

    def next(self) -> tuple[int, str, bool] | None:
        """Number, text, and whether that is all of the line; None at the end."""
        if self._back:
            return self._back.pop(0)
        raw = self._file.readline(self._longest)
        if not raw:
            return None
        whole = raw.endswith(b"\n") or len(raw) < self._longest
        rest = raw
        while not rest.endswith(b"\n") and len(rest) == self._longest:
            rest = self._file.readline(self._longest)
        number = self._number
        self._number += 1
        return number, _decoded(raw.rstrip(b"\r\n")), whole

    def again(self, lines: list[tuple[int, str, bool]]) -> None:
        self._back = lines + self._back


def _decoded(raw: bytes) -> str:
    """A line that is no UTF-8 within a file that is: it came from elsewhere, most likely in Latin-1."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")
