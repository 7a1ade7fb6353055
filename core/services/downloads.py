"""Files of a bucket for the person: one as it is, several as a zip, or a link that expires.

What is fetched goes piece by piece into a file of the home folder's `downloads`, so memory does not grow with it."""

import errno
import os
import re
import shutil
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any, Literal
from zipfile import ZIP_DEFLATED, ZIP_STORED

from pydantic import SecretStr
from zipstream import ZipStream

from core.domain.actor import Actor
from core.domain.credentials import FieldProblem
from core.outscale.errors import OutscaleError
from core.outscale.models import StoredObject
from core.outscale.oos import Oos
from core.outscale.resumed import open_whole
from core.services import bucket_pages
from core.services.billing import BucketChoice, open_storage, refusal
from core.services.bucket_pages import Search
from core.services.fetched import Fetched, clear, downloads_folder, written
from core.services.rights import use_case
from core.services.use_case import changing, note, note_failure
from core.services.workspace import Workspace

SHORTEST_LINK, LONGEST_LINK = timedelta(minutes=5), timedelta(days=7)
AHEAD = 8
"""Objects of a zip that are opened before their turn, because each waits for an answer of the storage."""
NAMED = 100
"""Object keys that an event names at most; it always tells their number."""

_PACKED = frozenset({".gz", ".zip", ".zst", ".parquet", ".xlsx", ".7z", ".bz2", ".xz", ".png", ".jpg", ".pdf"})
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f<>:"|?*]')
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
_LONGEST_PART = 200

_AT_A_TIME = 100_000

Progress = Callable[[int, int, str], None]
"""Told how many bytes are fetched, of how many, and which object is."""


@dataclass(frozen=True)
class Link:
    """An address that gives an object to whoever has it, until then (UTC). A secret: shown once, kept nowhere."""

    url: SecretStr
    until: datetime


class _StoppedError(Exception):
    """Somebody asked for the end."""


@use_case
def fetch(
    actor: Actor,
    workspace: Workspace,
    choice: BucketChoice,
    objects: list[StoredObject],
    *,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Fetched:
    """Fetch one object as it is, or several as a zip, into a file of the home folder. An object that is gone is left
    out of the zip and noted, one that was replaced since it was listed is noted. A connection that is cut is taken up
    where it was cut. A finished download is recorded as an event.

    Raises StoreError when the store refuses."""
    where: dict[str, Any] = {"bucket": choice.bucket, "region": choice.region}
    storage = open_storage(actor, workspace, choice, "buckets.download")
    if isinstance(storage, FieldProblem):
        note_failure(actor, workspace, "buckets.download", choice.credentials, storage, **where)
        return Fetched(problem=storage)
    folder = downloads_folder(workspace)
    if problem := _no_room(folder, sum(stored.size for stored in objects)):
        return Fetched(problem=problem)
    clear(workspace)
    handle, draft = tempfile.mkstemp(dir=folder)
    path, kept = Path(draft), False
    work = _Work(storage, choice.bucket, objects, progress, stop or threading.Event())
    try:
        with os.fdopen(handle, "wb") as out:
            for piece in work.single() if len(objects) == 1 else work.packed():
                out.write(piece)
        if not work.fetched:
            note_failure(actor, workspace, "buckets.download", choice.credentials, work.notes[0], **where)
            return Fetched(problem=work.notes[0])
        with changing(actor, workspace, "buckets.download") as change:
            change.record(
                choice.credentials,
                **where,
                objects=len(work.fetched),
                size=work.done,
                keys=work.fetched[:NAMED],
            )
        kept = True
    except _StoppedError:
        stopped = {"stopped": True, "size": work.done, "keys": work.fetched[:NAMED]}
        note(actor, workspace, "buckets.download", choice.credentials, outcome="failed", **where, **stopped)
        return Fetched(stopped=True)
    except OutscaleError as error:
        told = refusal(error)
        problem = FieldProblem(field="key", what=f"{work.doing}: {told.what}", mend=told.mend)
        return Fetched(problem=note_failure(actor, workspace, "buckets.download", choice.credentials, problem, **where))
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        problem = note_failure(actor, workspace, "buckets.download", choice.credentials, _full(folder), **where)
        return Fetched(problem=problem)
    finally:
        if not kept:
            path.unlink(missing_ok=True)
    name = saved_name(objects[0].key) if len(objects) == 1 else f"{choice.bucket}-{len(objects)}-files.zip"
    return Fetched(path, name, path.stat().st_size, work.notes)


@use_case
def within(actor: Actor, workspace: Workspace, choice: BucketChoice, prefixes: list[str]) -> list[StoredObject]:
    """The objects of folders, as they were listed.

    Raises StoreError when the store cannot be read."""
    found: list[StoredObject] = []
    for prefix in prefixes:
        search, offset, more = Search(prefix=prefix, recursive=True), 0, True
        while more:
            page = bucket_pages.page(actor, workspace, choice, search, offset, _AT_A_TIME)
            found += page.objects
            offset, more = offset + _AT_A_TIME, page.more
    return found


@use_case
def export_listing(
    actor: Actor, workspace: Workspace, choice: BucketChoice, search: Search, form: Literal["csv", "xlsx"]
) -> Fetched:
    """The listing of every object that is looked for, as a file. That it was exported is recorded.

    Raises StoreError when the store refuses."""
    folder = downloads_folder(workspace)
    if problem := _no_room(folder, 0):
        return Fetched(problem=problem)
    clear(workspace)

    def write(path: Path) -> FieldProblem | None:
        try:
            bucket_pages.export(actor, workspace, choice, replace(search, recursive=True), form, path)
        except ValueError as error:
            return FieldProblem(field="form", what=str(error), mend="Or narrow the search.")
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            return _full(folder)
        where: dict[str, Any] = {"bucket": choice.bucket, "region": choice.region, "prefix": search.prefix}
        note(actor, workspace, "buckets.export", choice.credentials, **where, form=form)
        return None

    return written(workspace, f"{choice.bucket}-listing.{form}", write)


@use_case
def make_link(
    actor: Actor, workspace: Workspace, choice: BucketChoice, key: str, lasting: timedelta
) -> Link | FieldProblem:
    """An address that gives the object to anybody for that long (5 minutes to 7 days), or until the key that signs it
    ends. That one was made is recorded, and the address itself nowhere.

    Raises StoreError when the store refuses."""
    if not SHORTEST_LINK <= lasting <= LONGEST_LINK:
        return FieldProblem(
            field="lasting", what="A link lasts 5 minutes at least and 7 days at most.", mend="Choose another time."
        )
    where: dict[str, Any] = {"bucket": choice.bucket, "region": choice.region, "key": key}
    storage = open_storage(actor, workspace, choice, "buckets.link")
    if isinstance(storage, FieldProblem):
        return note_failure(actor, workspace, "buckets.link", choice.credentials, storage, **where)
    until = datetime.now(UTC) + lasting
    try:
        storage.read(choice.bucket, key, length=1)  # a link to what is gone or closed helps nobody
    except OutscaleError as error:
        return note_failure(actor, workspace, "buckets.link", choice.credentials, refusal(error), **where)
    link = Link(storage.presigned(choice.bucket, key, int(lasting.total_seconds())), until)
    with changing(actor, workspace, "buckets.link") as change:
        change.record(choice.credentials, **where, until=f"{until:%Y-%m-%dT%H:%M:%SZ}")
    return link


def saved_name(key: str) -> str:
    """A file name for an object: the last part of its key, without what a file system refuses."""
    return _part(PurePosixPath(key.replace("\\", "/")).name) or "object"


def names_in_zip(keys: list[str]) -> list[str]:
    """A relative path for each object key, which any system can unpack: no `..`, no empty part, no drive, no name twice
    (also where `A` and `a` are the same), and no file where another one needs a folder."""
    folders: set[str] = set()
    files: set[str] = set()
    names = []
    for key in keys:
        parts = [part for part in map(_part, key.replace("\\", "/").split("/")) if part] or ["object"]
        for depth in range(1, len(parts)):
            parts[depth - 1] = _free(parts[:depth], files)
            folders.add("/".join(parts[:depth]).casefold())
        parts[-1] = _free(parts, files, folders)
        files.add("/".join(parts).casefold())
        names.append("/".join(parts))
    return names


def _free(parts: list[str], *taken: set[str]) -> str:
    """The last part, with a number when the path is taken."""
    stem, dot, suffix = parts[-1].partition(".")
    name, number = parts[-1], 1
    while any("/".join([*parts[:-1], name]).casefold() in paths for paths in taken):
        number += 1
        name = f"{stem} ({number}){dot}{suffix}"
    return name


def _part(text: str) -> str:
    """One part of a path; empty for `.`, `..` and nothing."""
    clean = _NOT_IN_NAMES.sub("_", text).strip(" ")
    if not clean.strip("."):
        return ""
    clean = clean.rstrip(". ")  # Windows drops these
    if _DEVICES.match(clean):
        clean = f"_{clean}"
    encoded = clean.encode()
    if len(encoded) > _LONGEST_PART:
        suffix = "".join(PurePosixPath(clean).suffixes[-2:])[-20:]
        clean = encoded[: _LONGEST_PART - len(suffix.encode())].decode(errors="ignore") + suffix
    return clean


def _no_room(folder: Path, wanted: int) -> FieldProblem | None:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        return FieldProblem(
            field="folder",
            what=f"The folder {folder} cannot be made: {error.strerror}.",
            mend="Make room or set the rights of the home folder, then try again.",
        )
    return _full(folder) if shutil.disk_usage(folder).free < wanted else None


def _full(folder: Path) -> FieldProblem:
    return FieldProblem(
        field="folder",
        what=f"The disk of {folder} has no room for it.",
        mend="Make room, choose fewer files, or make a link and fetch it from there.",
    )


class _Work:
    """The objects of one download on their way."""

    def __init__(
        self,
        storage: Oos,
        bucket: str,
        objects: list[StoredObject],
        progress: Progress | None,
        stop: threading.Event,
    ) -> None:
        self._storage = storage
        self._bucket = bucket
        self._objects = objects
        self._total = sum(stored.size for stored in objects)
        self._progress = progress
        self._stop = stop
        self.done = 0
        self.doing = ""
        self.fetched: list[str] = []
        self.notes: list[FieldProblem] = []

    def single(self) -> Iterator[bytes]:
        """The bytes of the one object."""
        stored = self._objects[0]
        if reading := self._there(stored, lambda: self._begin(stored)):
            yield from self._counted(reading)

    def packed(self) -> Iterator[bytes]:
        """The bytes of a zip of all objects, in their order."""
        archive = ZipStream(compress_type=ZIP_DEFLATED, compress_level=1)
        names = names_in_zip([stored.key for stored in self._objects])
        waiting: deque[Future[_Reading]] = deque()
        coming = iter(self._objects)
        with ThreadPoolExecutor(AHEAD, thread_name_prefix="download") as pool:
            try:
                for stored, name in zip(self._objects, names, strict=True):
                    while len(waiting) < AHEAD and (following := next(coming, None)):
                        waiting.append(pool.submit(self._begin, following))
                    if reading := self._there(stored, waiting.popleft().result):
                        how = ZIP_STORED if PurePosixPath(stored.key).suffix.lower() in _PACKED else None
                        archive.add(self._counted(reading), name, compress_type=how)
                        yield from archive.file()
            finally:
                for future in waiting:
                    future.cancel()
        yield from archive.footer()

    def _begin(self, stored: StoredObject) -> "_Reading":
        if self._stop.is_set():
            raise _StoppedError
        return _Reading(self._storage, self._bucket, stored.key)

    def _there(self, stored: StoredObject, begun: "Callable[[], _Reading]") -> "_Reading | None":
        """The object, as soon as it is begun; None for one that is gone. That and its replacement are noted."""
        self.doing = stored.key
        try:
            reading = begun()
        except OutscaleError as error:
            if error.code not in ("NoSuchKey", "404"):
                raise
            what = f"{stored.key} is gone: it was deleted since the bucket was listed."
            self.notes.append(FieldProblem(field=stored.key, what=what, mend="Refresh the listing."))
            return None
        self.fetched.append(stored.key)
        if reading.etag != stored.etag:
            what = f"{stored.key} was replaced since the bucket was listed: this is the new one."
            self.notes.append(FieldProblem(field=stored.key, what=what, mend="Refresh the listing to see it."))
        return reading

    def _counted(self, reading: "_Reading") -> Iterator[bytes]:
        for piece in reading:
            if self._stop.is_set():
                raise _StoppedError
            self.done += len(piece)
            if self._progress:
                self._progress(min(self.done, self._total), self._total, self.doing)
            yield piece


class _Reading:
    """One object being read, its first piece already here."""

    def __init__(self, storage: Oos, bucket: str, key: str) -> None:
        opened = open_whole(storage, bucket, key)
        self.etag, self._pieces = opened.etag, opened.pieces
        self._first = next(self._pieces, b"")

    def __iter__(self) -> Iterator[bytes]:
        if self._first:
            yield self._first
        yield from self._pieces
