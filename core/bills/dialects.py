"""How a text table is written, found out from its beginning. A person may know better."""

import csv
import io
import re
from collections import Counter
from pathlib import Path

from core.domain.bill_lines import Dialect

SAMPLE = 256 * 1024
"""Bytes of the beginning that are looked at."""
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
ENCODINGS = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8 with BOM", "utf-16": "UTF-16", "cp1252": "Latin-1"}
_ROWS = 60
_NUMBER = re.compile(r"[-+(]?[\d\s\u00a0\u202f'.,]*\d[\d.,]*\)?")
_COMMA_FRACTION = re.compile(r"[-+]?\d[\d\s.\u00a0\u202f']*,\d+")


def encoding_of(start: bytes) -> str:
    """The encoding of a text that begins so: a byte order mark says it, else zeros at every second place (UTF-16), else
    UTF-8 when it is sound UTF-8, else Windows' Latin-1."""
    if start.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if len(start) >= 4 and 0 in start[:200]:
        return "utf-16-le" if start[1:200:2].count(0) > start[0:200:2].count(0) else "utf-16-be"
    try:
        start.decode()
    except UnicodeDecodeError as error:
        # A sample may end within a character.
        if error.start < len(start) - 3 or error.reason != "unexpected end of data":
            return "cp1252"
    return "utf-8"


def detect(path: Path) -> Dialect:
    """How the text in a file is written.

    Raises OSError when it cannot be read."""
    with path.open("rb") as file:
        start = file.read(SAMPLE)
        whole = not file.read(1)
    encoding = encoding_of(start)
    text = start.decode(encoding, errors="replace")
    if not whole and "\n" in text:
        text = text[: text.rindex("\n") + 1]
    lines = text.splitlines()
    quote = "'" if _single_quoted(lines) else '"'
    separator, width = _separator(text, quote)
    skip = _skip(text, separator, quote, width)
    rows = _rows("\n".join(lines[skip:]), separator, quote)
    return Dialect(
        encoding=encoding,
        separator=separator,
        quote=quote,
        header=_has_header(rows),
        decimal="," if separator != "," and _comma_decimals(rows) else ".",
        skip=skip,
    )


def _rows(text: str, separator: str, quote: str) -> list[list[str]]:
    rows: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, quotechar=quote)
    try:
        for row in reader:
            if row:
                rows.append(row)
            if len(rows) >= _ROWS:
                break
    except csv.Error:
        pass
    return rows


def _separator(text: str, quote: str) -> tuple[str, int]:
    """The separator by which most rows have the same number of cells, and that number: with the share that agrees, more
    cells are better."""
    best: tuple[float, int, str] = (0.0, 1, ",")
    for separator in SEPARATORS:
        counts = Counter(len(row) for row in _rows(text, separator, quote))
        if not counts:
            continue
        width, rows = max(counts.items(), key=lambda one: (one[1] if one[0] > 1 else 0, one[0]))
        if width > 1:
            share = round(rows / counts.total(), 1)
            best = max(best, (share, width, separator), key=lambda one: (one[0], one[1]))
    return best[2], best[1]


def _skip(text: str, separator: str, quote: str, width: int) -> int:
    """Lines before the first row that is as wide as most, or nearly: titles and blank lines."""
    if width < 2:
        return 0
    for number, line in enumerate(text.splitlines()):
        row = _rows(line, separator, quote)
        if row and len(row[0]) >= width - 1 and sum(bool(cell.strip()) for cell in row[0]) > 1:
            return number
    return 0


def _has_header(rows: list[list[str]]) -> bool:
    """A first row without numbers, above others."""
    if not rows:
        return True
    return not any(_NUMBER.fullmatch(cell.strip()) for cell in rows[0] if cell.strip())


def _comma_decimals(rows: list[list[str]]) -> bool:
    cells = [cell.strip() for row in rows[1:] for cell in row]
    return sum(bool(_COMMA_FRACTION.fullmatch(cell)) for cell in cells) > sum(
        bool(re.fullmatch(r"[-+]?\d+\.\d+", cell)) for cell in cells
    )


def _single_quoted(lines: list[str]) -> bool:
    started = [line for line in lines[:_ROWS] if line.strip()]
    return (
        bool(started)
        and '"' not in "".join(started)
        and all(line.startswith("'") and line.rstrip().endswith("'") for line in started)
    )
