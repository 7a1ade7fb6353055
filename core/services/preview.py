"""The first rows of a CSV file, out of its first bytes."""

import csv
import io
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

HEAD = 256 * 1024
"""Bytes read from the beginning of a file."""
ROWS = 100
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_SEPARATORS = ";,\t|"
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")


class UnreadableError(ValueError):
    """The bytes are no CSV text. The text says so to the user."""


@dataclass(frozen=True)
class Preview:
    """The first rows as text cells, and how they were understood."""

    rows: "pd.DataFrame"
    separator: str
    encoding: str
    decimal: str


def preview_csv(key: str, head: bytes) -> Preview:
    """Read up to 100 rows out of the first bytes of a file named `key`; a `.gz` is unpacked as far as it goes. The
    line that the cut went through is left out.

    Raises UnreadableError when it is not CSV text."""
    import pandas as pd  # noqa: PLC0415 - it takes a third of a second, which no other command should wait for

    lowered = key.lower()
    if not lowered.endswith((".csv", ".csv.gz", ".tsv", ".txt")):
        raise UnreadableError("Only CSV files, plain or gzip, can be previewed.")
    cut = len(head) >= HEAD
    if lowered.endswith(".gz"):
        unpacked = _unpacked(head)
        cut = cut or len(unpacked) >= HEAD
        head = unpacked
    text, encoding = _decoded(head)
    if cut and "\n" in text:
        text = text[: text.rindex("\n") + 1]
    if not text.strip():
        raise UnreadableError("The file is empty.")
    separator = _separator(text)
    try:
        rows = pd.read_csv(
            io.StringIO(text), sep=separator, dtype=str, keep_default_na=False, nrows=ROWS, on_bad_lines="error"
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise UnreadableError(f"The file breaks the rules of CSV: {error}") from None
    return Preview(rows=rows, separator=separator, encoding=encoding, decimal=_decimal(rows, separator))


def _unpacked(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(head, HEAD)
    except zlib.error:
        raise UnreadableError("The file ends in .gz but is not gzip.") from None


def _decoded(head: bytes) -> tuple[str, str]:
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return head.decode(encoding, errors="ignore"), "UTF-8" if "8" in encoding else "UTF-16"
    if b"\x00" in head:
        raise UnreadableError("The file holds binary data, not text.")
    try:
        # The cut may go through a character of several bytes, at most three of which are left over.
        return head[: len(head) - _torn(head)].decode(), "UTF-8"
    except UnicodeDecodeError:
        return head.decode("latin-1"), "Latin-1"


def _torn(head: bytes) -> int:
    for left in range(1, min(4, len(head)) + 1):
        byte = head[-left]
        if byte >= 0xC0:
            return left if left < (2 if byte < 0xE0 else 3 if byte < 0xF0 else 4) else 0
        if byte < 0x80:
            return 0
    return 0


def _separator(text: str) -> str:
    try:
        return csv.Sniffer().sniff(text[:16_384], delimiters=_SEPARATORS).delimiter
    except csv.Error:
        first = text.splitlines()[0]
        return max(_SEPARATORS, key=first.count)


def _decimal(rows: "pd.DataFrame", separator: str) -> str:
    if separator == ",":
        return "."
    return "," if any(rows[name].map(lambda cell: bool(_DECIMAL_COMMA.fullmatch(cell))).any() for name in rows) else "."
