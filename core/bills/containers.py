"""Packed files: gzip, zip and Zstandard, unpacked into a folder of ours within limits.

Names inside a zip are shown and never used as paths."""

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, BinaryIO

import zstandard

from core.bills.limits import Limits
from core.bills.problems import ReadProblem

_PIECE = 1 << 20
# Small bites: a few bytes of Zstandard can stand for 128 KiB each, and of a bite that is damaged nothing comes.
_BITE = 4096
_ASK = "Ask who delivers it for a whole one."


@dataclass(frozen=True)
class Inside:
    """A file in a zip: its name as the zip has it, and its size in bytes, unpacked."""

    name: str
    size: int


@dataclass
class Unpacked:
    """The files that were in a packed one (name, path), and what was wrong. `kind`: `gzip`, `zip`, `zstd`, or empty for
    a file that is not packed, which is then the only one."""

    kind: str
    files: list[tuple[str, Path]] = field(default_factory=list)
    problems: list[ReadProblem] = field(default_factory=list)
    inside: list[Inside] = field(default_factory=list)


class _TooMuchError(Exception):
    """A limit was reached; the text says which."""


def container_of(start: bytes) -> str:
    """What packs a file, by its first bytes: `gzip`, `zip`, `zstd`, or empty."""
    if start.startswith(b"\x1f\x8b"):
        return "gzip"
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    return "zstd" if start.startswith(b"\x28\xb5\x2f\xfd") else ""


def is_workbook(path: Path) -> bool:
    """Whether a zip is an XLSX workbook."""
    try:
        with zipfile.ZipFile(path) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except (zipfile.BadZipFile, OSError, NotImplementedError):
        return False


def unpack(path: Path, name: str, work: Path, limits: Limits, *, cut: bool = False) -> Unpacked:
    """Unpack a file named `name` into the folder `work`; what is packed inside of a zip is unpacked too. `cut`: the
    file holds only the beginning of the object, so that an early end is no problem.

    Raises OSError when the disk does not take it."""
    with path.open("rb") as packed:
        kind = container_of(packed.read(4))
    if not kind or (kind == "zip" and is_workbook(path)):
        return Unpacked("", [(name, path)])
    found = Unpacked(kind)
    if kind == "zip":
        _unzip(path, work, limits, found)
    else:
        _single(path, kind, _without_suffix(name), work / "unpacked", limits, found, cut)
    return found


def _single(path: Path, kind: str, name: str, to: Path, limits: Limits, found: Unpacked, cut: bool) -> None:
    size = path.stat().st_size
    with path.open("rb") as packed, to.open("wb") as out:
        try:
            _written(_gunzipped(packed) if kind == "gzip" else _unzstd(packed), out, size, limits)
        except _TooMuchError as error:
            found.problems.append(ReadProblem(f"{name}: {error}", "It may be made to fill the disk. " + _ASK))
        except (EOFError, zlib.error, zstandard.ZstdError) as error:
            if not (cut and isinstance(error, EOFError)):
                done = out.tell()
                why = "ends too early" if isinstance(error, EOFError) else "is damaged"
                what = f"The {kind} file {why}: it breaks after {done:,} unpacked bytes."
                found.problems.append(ReadProblem(what, "What came before is shown. " + _ASK))
    found.files.append((name, to))


def _unzip(path: Path, work: Path, limits: Limits, found: Unpacked) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            found.inside = [Inside(entry.filename, entry.file_size) for entry in entries[: limits.entries]]
            if len(entries) > limits.entries:
                what = f"The zip holds {len(entries):,} files, more than the {limits.entries:,} that are read."
                found.problems.append(ReadProblem(what, "Only the first are shown."))
            for number, entry in enumerate(entries[: limits.entries]):
                _entry(archive, entry, work / f"inside-{number}", limits, found)
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        what = f"The zip is damaged or cut off: {error}."
        found.problems.append(ReadProblem(what, _ASK))


def _entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, to: Path, limits: Limits, found: Unpacked) -> None:
    name = entry.filename
    if entry.flag_bits & 1:
        what = f"{name} in the zip is protected with a password."
        found.problems.append(ReadProblem(what, "Ask for one without, or unpack it and deliver what is inside."))
        return
    try:
        with archive.open(entry) as packed, to.open("wb") as out:
            _written(_pieces(packed), out, max(entry.compress_size, 1), limits)
    except _TooMuchError as error:
        found.problems.append(ReadProblem(f"{name} in the zip: {error}", "It may be made to fill the disk. " + _ASK))
        to.unlink()
        return
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        found.problems.append(ReadProblem(f"{name} in the zip is damaged: {error}.", "What was read is shown. " + _ASK))
    with to.open("rb") as start:
        kind = container_of(start.read(4))
    if kind in {"gzip", "zstd"}:
        _single(to, kind, _without_suffix(name), to.with_suffix(".unpacked"), limits, found, cut=False)
    elif to.exists():
        found.files.append((name, to))


def _written(pieces: Iterator[bytes], out: BinaryIO, packed: int, limits: Limits) -> None:
    done = 0
    for piece in pieces:
        done += len(piece)
        if done > limits.unpacked:
            raise _TooMuchError(f"it unpacks to more than {limits.unpacked >> 30} GiB")
        if done > limits.ratio_from and done > limits.ratio * packed:
            raise _TooMuchError(f"it unpacks to more than {limits.ratio} times its size")
        out.write(piece)


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    while piece := stream.read(_PIECE):
        yield piece


def _gunzipped(packed: BinaryIO) -> Iterator[bytes]:
    """Every member of a gzip file, each piece bounded.

    Raises EOFError when the last one has no end, zlib.error when it is damaged."""
    member = zlib.decompressobj(wbits=31)
    rest = b""
    while True:
        if not rest:
            rest = packed.read(_BITE)
            if not rest:
                break
        if member.eof:
            if not rest.startswith(b"\x1f"):
                return  # padding after the last member
            member = zlib.decompressobj(wbits=31)
        yield member.decompress(rest, _PIECE)
        rest = member.unused_data if member.eof else member.unconsumed_tail
    if not member.eof:
        raise EOFError


def _unzstd(packed: BinaryIO) -> Iterator[bytes]:
    """Every frame of a Zstandard file.

    Raises EOFError when the last one has no end, ZstdError when it is damaged."""
    frame = zstandard.ZstdDecompressor().decompressobj()
    begun = False
    rest = b""
    while rest := rest or packed.read(_BITE):
        if frame.eof:
            frame, begun = zstandard.ZstdDecompressor().decompressobj(), False
        yield frame.decompress(rest)
        begun = True
        rest = frame.unused_data if frame.eof else b""
    if begun and not frame.eof:
        raise EOFError


def _without_suffix(name: str) -> str:
    for suffix in (".gz", ".gzip", ".zst", ".zstd"):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name
