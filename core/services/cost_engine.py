"""Bill files read: each object fetched once, and understood (`bill_reading`) in whatever process.

On one machine a few threads fetch, and processes of a pool understand: while those add up some files, the next ones
come. On a Dask cluster each worker does both, so a `Task` and what it gives travel; what is kept comes back as files
or, from another machine, as their bytes. Of a large file only the sums are made at first, so that those of all files
are there soon; its lines follow out of the object as it was fetched."""

import errno
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import forkserver
from pathlib import Path

import polars as pl

from core.outscale import oos
from core.outscale.errors import OutscaleError
from core.outscale.resumed import open_whole
from core.outscale.storage_key import StorageKey
from core.services.aside import Aside, scratch
from core.services.bill_reading import LARGE, Reading, Understood, understand
from core.services.reader_threads import ReaderContext, begin
from core.settings import Settings
from core.threads import KnowingThreads

READY = 2
"""Workers that a server starts before it is asked for any."""
AHEAD = 1
"""Files that are fetched while every worker has one to understand."""
_standing: list[ProcessPoolExecutor] = []
"""The pool that stays, once it was started."""


@dataclass(frozen=True)
class Task:
    """A bill file to be read: who may open which object, and how it is read."""

    storage: StorageKey
    bucket: str
    etag: str
    reading: Reading

    @property
    def fetched(self) -> Path | None:
        """Where the object stands while its lines are still to be kept."""
        folder, told = self.reading.folder, (self.storage.region.name, self.bucket, self.reading.key, self.etag)
        name = hashlib.sha256("\n".join(told).encode()).hexdigest()[:32]
        return folder.parent / f"{name}.object" if folder else None


def make_ready() -> None:
    """Start workers that stay, as a server does, and load what the first listing needs: the first reading then need not
    wait for either."""
    oos.make_ready()
    if not _standing:
        workers = os.cpu_count() or 1
        _standing.append(_new_pool(workers))
        for _ in range(min(workers, READY)):
            _standing[0].submit(os.getpid)


def _new_pool(workers: int) -> ProcessPoolExecutor:
    # Forked from a process that has what can be shared. Polars cannot: its threads do not live on in a fork.
    context = ReaderContext()
    context.set_forkserver_preload(["core.domain.bill_lines", "core.services.reader_threads"])
    forkserver.ensure_running()
    return ProcessPoolExecutor(workers, context, initializer=begin, initargs=(workers,))


@contextmanager
def reader(settings: Settings, tasks: int) -> Iterator[tuple[Callable[[Task], Future[Understood]], int]]:
    """Something that reads bill files, and how many are to be given to it at once: the Dask cluster of the settings,
    else this machine. What was not begun when the block ends is dropped.

    Raises OSError when the cluster does not answer."""
    if settings.dask:
        from distributed import Client  # noqa: PLC0415 - takes a second, for those who have a cluster

        with Client(settings.dask, timeout=settings.connect_timeout) as client:  # type: ignore[no-untyped-call]
            pool = client.get_executor(pure=False)
            try:
                yield partial(pool.submit, read_bill), max(1, sum(client.ncores().values())) + AHEAD
            finally:
                pool.shutdown(wait=False)
        return
    workers = max(1, min(os.cpu_count() or 1, tasks))
    stays = bool(_standing) and workers == os.cpu_count()
    local = _standing[0] if stays else _new_pool(workers)
    fetching = KnowingThreads(workers + AHEAD, thread_name_prefix="bill")
    try:
        yield lambda task: fetching.submit(read_bill, task, local), workers + AHEAD
    except BaseException:
        stays = False
        _standing.clear()
        raise
    finally:
        if not stays:
            local.shutdown(wait=True, cancel_futures=True)
        fetching.shutdown(wait=True, cancel_futures=True)


def read_bill(task: Task, pool: Executor | None = None) -> Understood:
    """Read one bill file: it is fetched here, and understood by a process of the pool, or here. What is wrong with it,
    or with the way to it, is its `problem`."""
    folder = task.reading.folder
    try:
        with tempfile.TemporaryDirectory(prefix="bill-", dir=folder, ignore_cleanup_errors=True) as name:
            work = Path(name)
            if task.fetched and task.fetched.exists():
                found = _understood(task, task.fetched, work, pool)
                if not found.later and found.state != "failed":
                    task.fetched.unlink(missing_ok=True)
                return found
            kept = work / "kept" if folder and not task.reading.lines else None
            path = scratch(folder or work)
            _fetch(task, path, kept)
            found = _understood(task, path, work, pool)
            if found.later and task.fetched and kept:
                kept.replace(task.fetched)
            return found
    except pl.exceptions.PolarsError as error:
        why = str(error).splitlines()[0]
        return Understood(
            "failed", problem=f"The file breaks while it is read: {why}. Ask who delivers it for another."
        )
    except OutscaleError as error:
        if error.code in {"NoSuchKey", "404"}:
            return Understood("failed", problem="The file was deleted while it was read. Read the bills again.")
        if error.code == "PreconditionFailed":
            return Understood("failed", problem="The file was replaced while it was read. Read the bills again.")
        return Understood("failed", problem=f"{error.what} {error.mend}")
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise
        return Understood("failed", problem=f"The disk of {folder} has no room for it. Make room and try again.")


def _understood(task: Task, path: Path, work: Path, pool: Executor | None) -> Understood:
    if pool is None:
        return understand(task.reading, path, work)
    return pool.submit(understand, task.reading, path, work).result()


def _fetch(task: Task, path: Path, kept: Path | None = None) -> None:
    """The object at `path`, which is written over; a large one at `kept` too, past the system's memory of files."""
    opened = open_whole(task.storage.open(), task.bucket, task.reading.key, task.etag)
    with ExitStack() as stack:
        out = stack.enter_context(path.open("r+b"))
        aside = stack.enter_context(Aside(kept)) if kept and opened.size >= LARGE else None
        for piece in opened.pieces:
            out.write(piece)
            if aside:
                aside.write(piece)
        out.truncate()
