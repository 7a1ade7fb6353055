"""One bill file read, in whatever process: fetched, understood, summed, its lines kept as Parquet. Knows no database.

A worker gets a `Task` and gives an `Understood`. It runs in a pool of processes, or on another machine of a Dask
cluster, so both travel; what is kept comes back as files or, from another machine, as their bytes. Of a large file only
the sums are made at first, so that those of all files are there soon; its lines follow out of the object as it was
fetched."""

import errno
import hashlib
import importlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from multiprocessing import forkserver, get_context, parent_process
from pathlib import Path

import polars as pl

from core.bills.layouts import recognise
from core.bills.lines import SUMMED_LINES, Lines, plain_lines, plain_sums, sum_of, to_lines
from core.bills.numbers import AMOUNT
from core.bills.table import Table
from core.bills.tables import open_tables
from core.domain.bill_lines import LINE, Dialect, Field, Mapping
from core.outscale import oos
from core.outscale.errors import OutscaleError
from core.outscale.resumed import open_whole
from core.outscale.storage_key import StorageKey
from core.services.aside import Aside, scratch
from core.services.reader_threads import share_cores
from core.settings import Settings

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


READY = 2
"""Workers that a server starts before it is asked for any."""
_CONTEXT = get_context("forkserver")
_standing: list[ProcessPoolExecutor] = []
"""The pool that stays, once it was started."""
_SHOWN = pl.Schema({LINE: pl.Int64(), "reason": pl.String(), "text": pl.String(), "cost": AMOUNT, "table": pl.String()})


@dataclass(frozen=True)
class Task:
    """A bill file to be read: who may open which object, how it is mapped (None: by itself), and the folder that its
    lines are left in (None: they come back as bytes). `lines`: whether they are kept at once, however large it is."""

    storage: StorageKey
    bucket: str
    key: str
    etag: str
    mapping: Mapping | None
    dialect: Dialect | None
    folder: Path | None
    lines: bool = False

    @property
    def fetched(self) -> Path | None:
        """Where the object stands while its lines are still to be kept."""
        told = "\n".join((self.storage.region.name, self.bucket, self.key, self.etag))
        return self.folder.parent / f"{hashlib.sha256(told.encode()).hexdigest()[:32]}.object" if self.folder else None


@dataclass(frozen=True)
class Understood:
    """What a file gave. `state` is that of `BillObject`; `sums`: by currency what was accepted; `days`: the first and
    the last. `summary` (its sums), `lines` and `refused_lines`: Parquet, as the path of a file or as bytes; None when
    there are none. `later`: the lines are still to be kept, by the same task with `lines`."""

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
    # Forked from a process that has the libraries which take longest. Polars is none of them: its threads do not live
    # on in a fork.
    _CONTEXT.set_forkserver_preload(["core.outscale.resumed", "core.outscale.storage_key", "core.domain.bill_lines"])
    forkserver.ensure_running()
    return ProcessPoolExecutor(workers, _CONTEXT, initializer=_begin, initargs=(workers,))


def _begin(workers: int) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    share_cores(workers)
    importlib.import_module("core.bills.tables")
    oos.make_ready()


def _end_with_parent() -> None:
    """A process that is killed cannot tell its workers to end, and they would wait for work for ever."""
    if parent := parent_process():
        parent.join()
        os._exit(1)


@contextmanager
def executor(settings: Settings, tasks: int) -> Iterator[tuple[Executor, int]]:
    """Something to map tasks over, and how many it works on at once: the Dask cluster of the settings, else a pool of
    processes. What was not begun when the block ends is dropped.

    Raises OSError when the cluster does not answer."""
    if settings.dask:
        from distributed import Client  # noqa: PLC0415 - takes a second, for those who have a cluster

        with Client(settings.dask, timeout=settings.connect_timeout) as client:  # type: ignore[no-untyped-call]
            pool = client.get_executor(pure=False)
            try:
                yield pool, max(1, sum(client.ncores().values()))
            finally:
                pool.shutdown(wait=False)
        return
    workers = max(1, min(os.cpu_count() or 1, tasks))
    stays = bool(_standing) and workers == os.cpu_count()
    local = _standing[0] if stays else _new_pool(workers)
    try:
        yield local, workers
    except BaseException:
        stays = False
        _standing.clear()
        raise
    finally:
        if not stays:
            local.shutdown(wait=True, cancel_futures=True)


def read_bill(task: Task) -> Understood:
    """Read one bill file. What is wrong with it, or with the way to it, is its `problem`."""
    try:
        with tempfile.TemporaryDirectory(prefix="bill-", dir=task.folder, ignore_cleanup_errors=True) as work:
            if task.fetched and task.fetched.exists():
                found = understand(task, task.fetched, Path(work))
                if not found.later and found.state != "failed":
                    task.fetched.unlink(missing_ok=True)
                return found
            kept = Path(work) / "kept" if task.folder and not task.lines else None
            with scratch(task.folder or Path(work)) as path:
                _fetch(task, path, kept)
                found = understand(task, path, Path(work))
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
        return Understood("failed", problem=f"The disk of {task.folder} has no room for it. Make room and try again.")


def _fetch(task: Task, path: Path, kept: Path | None = None) -> None:
    """The object at `path`, which is written over; a large one at `kept` too, past the system's memory of files."""
    opened = open_whole(task.storage.open(), task.bucket, task.key, task.etag)
    with ExitStack() as stack:
        out = stack.enter_context(path.open("r+b"))
        aside = stack.enter_context(Aside(kept)) if kept and opened.size >= LARGE else None
        for piece in opened.pieces:
            out.write(piece)
            if aside:
                aside.write(piece)
        out.truncate()


def understand(task: Task, path: Path, work: Path) -> Understood:
    """What the file at `path`, which is the task's object, comes to; `work` is a folder for what it needs meanwhile.

    Raises PolarsError for a file that breaks in the middle, OSError when the disk does not take it."""
    opened = open_tables(path, task.key, work, dialect=task.dialect)
    problem = " ".join(f"{one.what} {one.mend}" for one in opened.problems)
    if not opened.tables:
        return Understood("not_a_bill", problem=problem or f"It is {opened.kind}, no table.")
    if not task.lines and task.folder and path.stat().st_size >= LARGE and len(opened.tables) == 1 and not problem:
        soon = _soon(opened.tables[0], task)
        if soon:
            return soon
    parts: list[_Part] = []
    foreign: list[str] = []
    for number, table in enumerate(opened.tables):
        part = _part(table, task, work / f"part-{number}")
        if part is None:
            foreign.append(table.name)
        else:
            parts.append(part)
    if not parts:
        return Understood("unknown_layout", problem=problem or "Its columns are not known. Map them.")
    if foreign:
        problem = f"{problem} Not understood: {', '.join(foreign)}.".strip()
    return _kept(task, parts, problem)


def _soon(table: Table, task: Task) -> Understood | None:
    """What a plain table comes to, without its lines; None when it takes reading line by line to know."""
    if table.bad_count:
        return None
    frame = table.scan()
    try:
        mapping = _mapping(table, frame, task)
        sums = plain_sums(frame, mapping) if mapping else None
    except (pl.exceptions.ComputeError, pl.exceptions.SchemaError, pl.exceptions.ShapeError):
        return None
    if not mapping or sums is None or not len(sums):
        return None
    if table.physical and table.physical() != sums[SUMMED_LINES].sum():
        return None  # a quote may be left open
    return replace(_told(sums), layout=mapping.layout, later=True, summary=_left(task, sums.write_parquet))


@dataclass(frozen=True)
class _Part:
    """One table's lines, in files: those accepted, and the first of those refused."""

    layout: str
    lines: Path
    refused: int
    refused_sum: Decimal
    shown: pl.DataFrame


def _part(table: Table, task: Task, path: Path) -> _Part | None:
    """The lines of a table; None when its columns are not understood. A text whose lines are not all alike is read a
    second time, line by line."""
    path.mkdir()
    if table.unclosed():
        return _read(table.repaired(path), task, path)
    try:
        part = _read(table, task, path)
    except (pl.exceptions.ComputeError, pl.exceptions.SchemaError, pl.exceptions.ShapeError):
        return _read(table.repaired(path), task, path)
    # A cell over several lines shifts the numbers of those after it: only reading line by line tells them.
    if part and part.refused and table.by_line and _has_breaks(table):
        return _read(table.repaired(path), task, path)
    return part


def _has_breaks(table: Table) -> bool:
    cells = pl.any_horizontal(pl.col(table.columns).str.contains("\n", literal=True))
    return bool(table.scan().select(cells.any()).collect(engine="streaming").item())


def _mapping(table: Table, frame: pl.LazyFrame, task: Task) -> Mapping | None:
    if task.mapping and set(task.mapping.columns.values()) <= set(table.columns):
        return task.mapping
    return recognise(table.columns, frame.head(SAMPLE).collect())


def _read(table: Table, task: Task, path: Path) -> _Part | None:
    frame = table.scan()
    mapping = _mapping(table, frame, task)
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


def _kept(task: Task, parts: list[_Part], problem: str) -> Understood:
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
        summary=_left(task, sums.write_parquet) if len(sums) else None,
        lines=_left(task, parts[0].lines if len(parts) == 1 else lines.sink_parquet) if len(sums) else None,
        refused_lines=_left(task, refused.write_parquet) if len(refused) else None,
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


def _left(task: Task, content: Path | Callable[[Path], object]) -> Path | bytes:
    """A file moved or written to where whoever asked finds it."""
    handle, name = tempfile.mkstemp(prefix="lines-", suffix=".parquet", dir=task.folder)
    os.close(handle)
    path = Path(name)
    try:
        if isinstance(content, Path):
            content.replace(path)
        else:
            content(path)
        if task.folder is None:
            return path.read_bytes()
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        if task.folder is None:
            path.unlink(missing_ok=True)
    return path
