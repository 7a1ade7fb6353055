"""JSON and JSON Lines as tables: each object is a row."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import ijson

from core.bills.batches import Batches, unique
from core.bills.limits import Limits
from core.bills.problems import BadLine, ReadProblem
from core.bills.table import SHOWN_BAD, Table

Found = tuple[str, list[Table], list[ReadProblem]]
_LOOK = 64 * 1024
_TEXT = 300


def json_table(path: Path, name: str, work: Path, limits: Limits, head: bool) -> Found:
    """The table in a JSON file: the first list of objects in it, such as `ConsumptionEntries`. JSON Lines: an object
    for each line. The kind is empty when the text is neither.

    Raises OSError when the disk does not take it."""
    with path.open("rb") as file:
        start = file.read(_LOOK).removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start.startswith((b"{", b"[")):
        return "", [], []
    if _is_lines(start):
        return _json_lines(path, name, work, limits, head)
    return _json(path, name, work, limits, head)


def _is_lines(start: bytes) -> bool:
    first, _, rest = start.partition(b"\n")
    if not rest.lstrip().startswith(b"{"):
        return False
    try:
        return isinstance(json.loads(first), dict)
    except ValueError:
        return False


def _json(path: Path, name: str, work: Path, limits: Limits, head: bool) -> Found:
    batches = Batches(work)
    problems: list[ReadProblem] = []
    try:
        prefix = _list_of_objects(path)
        if prefix is None:
            return "JSON", [], []
        with path.open("rb") as file:
            _skip_mark(file)
            for number, item in enumerate(ijson.items(file, prefix), 1):
                if isinstance(item, dict):
                    _add(batches, number, item, limits)
    except _TooWideError:
        what = f"{name} has more than {limits.columns:,} different names in its objects."
        return "JSON", [], [ReadProblem(what, "Ask who delivers it for a narrower table.")]
    except (ijson.JSONError, UnicodeDecodeError) as error:
        if not head or not isinstance(error, ijson.IncompleteJSONError):
            what = f"{name} breaks after {batches.rows:,} records: {str(error).strip().splitlines()[0]}."
            problems.append(ReadProblem(what, "What came before is shown. Ask who delivers it for a whole one."))
    if not batches.rows:
        return "JSON", [], problems
    return "JSON", [_table(name, "JSON", batches)], problems


def _list_of_objects(path: Path) -> str | None:
    """Where the first list whose items are objects stands, as ijson names it."""
    before = ""
    with path.open("rb") as file:
        _skip_mark(file)
        for prefix, event, _ in ijson.parse(file):
            if event == "start_map" and before == "start_array":
                return str(prefix)
            before = event
    return None


def _skip_mark(file: Any) -> None:
    if file.read(3) != b"\xef\xbb\xbf":
        file.seek(0)


def _json_lines(path: Path, name: str, work: Path, limits: Limits, head: bool) -> Found:
    batches = Batches(work)
    bad: list[BadLine] = []
    count = 0
    try:
        for number, raw, whole in _lines(path, limits):
            if not raw.strip():
                continue
            try:
                item = json.loads(raw, parse_float=Decimal)
                reason = "" if isinstance(item, dict) else "It is no object."
            except ValueError as error:
                if head and not whole:
                    break
                reason = f"It is no JSON: {error}."
            if reason:
                count += 1
                if len(bad) < SHOWN_BAD:
                    bad.append(BadLine(number, reason, raw[:_TEXT].decode(errors="replace")))
            else:
                _add(batches, number, item, limits)
    except _TooWideError:
        what = f"{name} has more than {limits.columns:,} different names in its objects."
        return "JSON Lines", [], [ReadProblem(what, "Ask who delivers it for a narrower table.")]
    table = _table(name, "JSON Lines", batches)
    table.bad, table.bad_count = bad, count
    return "JSON Lines", [table] if batches.rows else [], []


def _lines(path: Path, limits: Limits) -> Iterator[tuple[int, bytes, bool]]:
    """Number, bytes, and whether the line has its end. Of a line that is too long, only the beginning is given."""
    with path.open("rb") as file:
        _skip_mark(file)
        number = 0
        while raw := file.readline(limits.line):
            number += 1
            whole = rest = raw
            while not rest.endswith(b"\n") and len(rest) == limits.line:
                rest = file.readline(limits.line)
            yield number, raw, whole.endswith(b"\n")


class _TooWideError(Exception):
    """More different names than columns are read."""


def _add(batches: Batches, number: int, item: dict[str, Any], limits: Limits) -> None:
    if len(batches.columns) + len(item) > 2 * limits.columns or len(batches.columns) > limits.columns:
        raise _TooWideError
    named = dict(zip(unique(list(item)), item.values(), strict=True))
    batches.add(number, {name: _as_text(value) for name, value in named.items()})


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=str)


def _table(name: str, kind: str, batches: Batches) -> Table:
    return Table(name=name, kind=kind, columns=list(batches.columns), reader=batches.scan)
