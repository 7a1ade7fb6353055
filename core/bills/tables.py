"""Any bill file as tables of text: what it is, what is in it, and where it breaks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from core.bills.columnar import parquet_table
from core.bills.containers import Inside, unpack
from core.bills.delimited import delimited_table
from core.bills.limits import LIMITS, Limits
from core.bills.problems import ReadProblem
from core.bills.records import json_table
from core.bills.table import Table
from core.bills.workbooks import workbook_tables
from core.domain.bill_lines import Dialect

_KINDS = (
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"\xd0\xcf\x11\xe0", "an old Office document (such as XLS)"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ", "an xz file"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
)
_LOOK = 4096


@dataclass
class Opened:
    """What a file turned out to be. `kind`: its format in words, such as `CSV in gzip`; `text`: whether a person can
    read it as it is; `inside`: the files of a zip."""

    kind: str
    tables: list[Table] = field(default_factory=list)
    problems: list[ReadProblem] = field(default_factory=list)
    inside: list[Inside] = field(default_factory=list)
    text: Path | None = None


def open_tables(
    path: Path,
    name: str,
    work: Path,
    *,
    dialect: Dialect | None = None,
    limits: Limits = LIMITS,
    head: bool = False,
) -> Opened:
    """Open a file that is an object named `name`, using the folder `work` for what has to be unpacked or turned. What
    it is, is told by its content, not by its name. `dialect`: how a person says that its text is written. `head`: the
    file holds only the beginning of the object, so that an early end is no problem.

    Raises OSError when the disk does not take what is unpacked."""
    unpacked = unpack(path, name, work, limits, cut=head)
    opened = Opened("", problems=unpacked.problems, inside=unpacked.inside)
    kinds: list[str] = []
    for number, (inner, file) in enumerate(unpacked.files):
        kind = _open_one(file, inner, work / f"table-{number}", dialect, limits, head, opened)
        kinds.append(kind)
    known = ", ".join(dict.fromkeys(kinds)) or "nothing that can be read"
    opened.kind = f"{known} in {unpacked.kind}" if unpacked.kind else known
    return opened


def _open_one(
    path: Path, name: str, work: Path, dialect: Dialect | None, limits: Limits, head: bool, opened: Opened
) -> str:
    """Add a file's tables and problems; the words for its kind."""
    with path.open("rb") as file:
        start = file.read(_LOOK)
    if not start.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x00"):
        opened.problems.append(ReadProblem(f"{name} is empty.", "Ask who delivers it whether it should be."))
        return "empty"
    for mark, kind in _KINDS:
        if start.startswith(mark):
            opened.problems.append(ReadProblem(f"{name} is {kind}, no table.", "Download it to look at it."))
            return kind
    if start.startswith(b"PAR1"):
        return _added("Parquet", parquet_table(path, name, limits), opened)
    if start.startswith(b"PK"):
        return _added("XLSX", workbook_tables(path, name, work, limits), opened)
    if _is_binary(start):
        opened.problems.append(ReadProblem(f"{name} holds binary data, no text.", "Download it to look at it."))
        return "binary data"
    opened.text = path
    readers: list[Callable[[], tuple[str, list[Table], list[ReadProblem]]]] = [
        lambda: json_table(path, name, work, limits, head),
        lambda: delimited_table(path, name, work, dialect, limits, head),
    ]
    for reader in readers:
        kind, tables, problems = reader()
        if kind:
            return _added(kind, (tables, problems), opened)
    return "text"


def _added(kind: str, found: tuple[list[Table], list[ReadProblem]], opened: Opened) -> str:
    opened.tables += found[0]
    opened.problems += found[1]
    return kind


def _is_binary(start: bytes) -> bool:
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return False
    zeros = start.count(0)
    if zeros and not len(start) * 0.3 < zeros < len(start) * 0.7:
        return True  # UTF-16 without a mark has a zero at nearly every second place
    control = sum(byte < 9 or 13 < byte < 32 for byte in start) - zeros
    return control > len(start) * 0.02
