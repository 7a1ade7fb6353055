"""The bill files of the billing buckets: each read once, and again only when it changes."""

import contextlib
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl
from sqlmodel import Session, col, select

from core.domain.actor import Actor
from core.domain.audit import Ending
from core.domain.bill_lines import Dialect, Mapping
from core.domain.bills import looks_like_bill
from core.domain.credentials import FieldProblem
from core.services import bucket_index
from core.services.bill_reading import Reading, Understood, understood_by
from core.services.billing import BucketChoice, bucket_choices, storage_key
from core.services.cost_engine import Task, reader
from core.services.line_keeper import LineKeeper, line_keeper
from core.services.mappings import chosen, mappings_of
from core.services.rights import use_case
from core.services.scope import Scope, scope_of
from core.services.use_case import changing, looking
from core.services.workspace import Workspace
from core.store.tables import BillObject, Bucket, new_id, now

HELD = 4 << 30
"""Bytes of objects whose lines are kept later that may stand on the disk, before some are kept first."""
LEFT_BEHIND = 24 * 3600
"""Seconds after which what a reading left in the inbox, because it was ended, is nobody's any more."""
SEVERAL = "several"
"""Stands for the account or the month in the path of a file with lines of more than one. A file for each of them
would be 1,200 for a bill of 50 accounts and two years, which took four times as long and three times the memory."""
Progress = Callable[[int, int, str], None]
"""Told how many files are done, of how many, and what is being done."""


@dataclass(frozen=True)
class BillObjectView:
    """A bill file as it was read last. `sums`: by currency what was accepted; `refused_sum`: what was not, as far as
    its costs could be read. Times are UTC."""

    id: str
    region: str
    bucket: str
    key: str
    size: int
    modified: datetime
    read: datetime
    state: str
    layout: str
    accepted: int
    refused: int
    sums: dict[str, Decimal]
    refused_sum: Decimal
    first_day: date | None
    last_day: date | None
    accounts: list[str]
    problem: str


@dataclass(frozen=True)
class PullReport:
    """What reading the bills came to: files read, unchanged, failed, of unknown layout, no bills, and gone from their
    buckets. `problems`: buckets that could not be listed or opened."""

    read: int = 0
    unchanged: int = 0
    failed: int = 0
    unknown: int = 0
    no_bill: int = 0
    gone: int = 0
    stopped: bool = False
    problems: list[FieldProblem] = field(default_factory=list)


@dataclass(frozen=True)
class _Waiting:
    """A file to be read."""

    choice: BucketChoice
    key: str
    etag: str
    size: int
    modified: datetime
    mapping: Mapping | None
    dialect: Dialect | None


@use_case
def pull(
    actor: Actor,
    workspace: Workspace,
    choices: list[BucketChoice] | None = None,
    *,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> PullReport:
    """Read the bill files of these buckets, by default of all enabled billing credentials: new ones, those whose ETag
    changed, and those that are understood in another way now. What was read stays read when it is stopped.

    The sums of all files are made first: from when `progress` is told that all are done, they can be asked for. The
    lines of large files are kept after that.

    Raises StoreError when the store refuses."""
    stop = stop or threading.Event()
    tell = progress or (lambda done, total, doing: None)
    keeper = line_keeper(actor, workspace)
    report = PullReport()
    if isinstance(keeper, FieldProblem):
        report, keeper = _with(report, keeper), None
    elif keeper:
        report = _with(report, keeper.fetch(workspace.settings.costs, _kept_files(actor, workspace)))
    work: list[_Waiting] = []
    for choice in _once(bucket_choices(actor, workspace) if choices is None else choices):
        if stop.is_set():
            break
        tell(0, 0, f"Listing {choice.bucket}")
        report, waiting = _look(actor, workspace, choice, report, stop, keeper)
        work += waiting
    if work and not stop.is_set():
        report = _read_all(actor, workspace, work, report, tell, stop)
    if keeper:
        report = _with(report, keeper.follow(workspace.settings.costs, _kept_files(actor, workspace)))
    report = replace(report, stopped=stop.is_set())
    with changing(actor, workspace, "bills.pull") as change:
        told = {name: value for name, value in vars(report).items() if name != "problems"}
        ending: Ending = "failed" if report.problems or report.failed else "done"
        change.record("bills", outcome=ending, **told, problems=[one.what for one in report.problems])
    return report


def _with(report: PullReport, problem: FieldProblem | None) -> PullReport:
    return replace(report, problems=[*report.problems, problem]) if problem else report


def _kept_files(actor: Actor, workspace: Workspace) -> set[str]:
    """The files of lines that the store names."""
    with looking(actor, workspace, "bills.kept") as session:
        rows = session.exec(select(BillObject)).all()
    named = {name for row in rows for name in (row.file, row.summary) if name}
    return named | {f"refused/{row.id}.parquet" for row in rows if row.refused}


@use_case
def bill_objects(actor: Actor, workspace: Workspace) -> list[BillObjectView]:
    """The bill files of the buckets that credentials name, as they were read last, by bucket and object key.

    Raises StoreError when the store cannot be read."""
    with looking(actor, workspace, "bills.list") as session:
        rows = list(known_bills(session, scope_of(actor, workspace)))
    return [_view(row) for row in sorted(rows, key=lambda row: (row.region, row.bucket, row.key))]


@use_case
def refused_lines(actor: Actor, workspace: Workspace, id: str) -> pl.DataFrame:
    """The first of a file's lines that did not fit: `line`, `reason`, `text`, `cost` (null when it cannot be read),
    `table`. Empty when there are none.

    Raises StoreError when the store cannot be read."""
    with looking(actor, workspace, "bills.refused") as session:
        row = session.get(BillObject, id)
        seen = row is not None and scope_of(actor, workspace).sees_bucket(session, row.region, row.bucket)
    if row is None or not seen or not row.refused:
        return pl.DataFrame()
    try:
        return pl.read_parquet(refused_path(workspace, row.id))
    except FileNotFoundError:
        return pl.DataFrame()


def known_bills(session: Session, scope: Scope) -> Iterable[BillObject]:
    """Those in sight whose bucket some billing credentials name; the others' costs are nobody's to see any more."""
    named = select(Bucket.region, Bucket.name).distinct().subquery()
    return session.exec(
        select(BillObject)
        .join(named, (col(BillObject.region) == named.c.region) & (col(BillObject.bucket) == named.c.name))
        .where(scope.region(BillObject.region))
    ).all()


def refused_path(workspace: Workspace, id: str) -> Path:
    """Where the refused lines of a file stand."""
    return workspace.settings.costs / "refused" / f"{id}.parquet"


def _once(choices: list[BucketChoice]) -> Iterator[BucketChoice]:
    """A bucket that two credentials name is read once."""
    seen = set()
    for choice in choices:
        if (choice.region, choice.bucket) not in seen:
            seen.add((choice.region, choice.bucket))
            yield choice


def _look(
    actor: Actor,
    workspace: Workspace,
    choice: BucketChoice,
    report: PullReport,
    stop: threading.Event,
    keeper: LineKeeper | None,
) -> tuple[PullReport, list[_Waiting]]:
    """What of a bucket is to be read. What is gone from it is forgotten."""
    listed = bucket_index.refresh(actor, workspace, choice, None, stop)
    if listed.problem or stop.is_set():
        return replace(report, problems=report.problems + ([listed.problem] if listed.problem else [])), []
    objects = bucket_index.objects_of(actor, workspace, choice).collect()
    there = {
        row["key"]: row
        for row in objects.iter_rows(named=True)
        if row["size"] and looks_like_bill(row["key"]) and not (keeper and keeper.holds(choice, row["key"]))
    }
    with looking(actor, workspace, "bills.look") as session:
        rows = session.exec(
            select(BillObject).where(BillObject.region == choice.region, BillObject.bucket == choice.bucket)
        ).all()
        known = {row.key: row for row in rows}
        mappings = mappings_of(session, choice.region, choice.bucket)
    work = []
    unchanged = 0
    for key, one in there.items():
        found = chosen(mappings, key)
        mapping, dialect = found[:2] if found else (None, None)
        row = known.get(key)
        same = row and row.etag == one["etag"] and row.understood == understood_by(mapping, dialect)
        if row and row.accepted and not _kept(workspace, row):
            same = False
        if row and same and row.state != "failed":
            unchanged += 1
            continue
        work.append(_Waiting(choice, key, one["etag"], one["size"], one["modified"], mapping, dialect))
    gone = [row for key, row in known.items() if key not in there]
    if gone:
        _forget(actor, workspace, gone)
    return replace(report, unchanged=report.unchanged + unchanged, gone=report.gone + len(gone)), work


def _kept(workspace: Workspace, row: BillObject) -> bool:
    return all(name and (workspace.settings.costs / name).exists() for name in (row.file, row.summary))


def _forget(actor: Actor, workspace: Workspace, gone: list[BillObject]) -> None:
    with changing(actor, workspace, "bills.forget") as change:
        for row in gone:
            change.session.delete(change.session.merge(row, load=True))
            change.record(row.key, bucket=row.bucket, region=row.region)
    for row in gone:
        refused_path(workspace, row.id).unlink(missing_ok=True)
        for name in (row.file, row.summary):
            if name:
                (workspace.settings.costs / name).unlink(missing_ok=True)


def _read_all(
    actor: Actor,
    workspace: Workspace,
    work: list[_Waiting],
    report: PullReport,
    tell: Progress,
    stop: threading.Event,
) -> PullReport:
    inbox = workspace.settings.costs / "inbox"
    inbox.mkdir(mode=0o700, parents=True, exist_ok=True)
    _clear(inbox)
    own = inbox / new_id()
    own.mkdir(mode=0o700)
    tell(0, len(work), "Starting")
    try:
        return _read_on(actor, workspace, _Order(deque(work), own), report, tell, stop)
    except BrokenExecutor:
        problem = FieldProblem(
            field="bills",
            what="A process that reads bills ended, as when the machine's memory is used up.",
            mend="Read the bills again: what was read stays. Give the machine more memory when it happens again.",
        )
        return replace(report, problems=[*report.problems, problem])
    except OSError as error:
        if not workspace.settings.dask:
            raise
        problem = FieldProblem(
            field="dask",
            what=f"The Dask scheduler {workspace.settings.dask} does not answer: {error}.",
            mend="Start it, or unset ONBOARDING_DASK.",
        )
        return replace(report, problems=[*report.problems, problem])
    finally:
        shutil.rmtree(own, ignore_errors=True)


@dataclass
class _Order:
    """In which order files are read: all are summed first; then the lines of the large ones are kept."""

    waiting: deque[_Waiting]
    folder: Path
    """Where this reading puts down what it has under way."""
    later: deque[tuple[_Waiting, Task]] = field(default_factory=deque)
    held: int = 0
    """Bytes of the objects that stand on the disk for their lines."""
    running: dict[Future[Understood], tuple[_Waiting, Task]] = field(default_factory=dict)

    def next(
        self, make: Callable[[_Waiting, Path], Task | FieldProblem]
    ) -> tuple[_Waiting, Task | FieldProblem] | None:
        """The next file and what is to be done with it, or what keeps it from being read; None while there is none."""
        summing = bool(self.waiting) or any(not task.reading.lines for _, task in self.running.values())
        if self.later and (self.held > HELD or not summing):
            one, task = self.later.popleft()
            self.held -= one.size
            return one, replace(task, reading=replace(task.reading, lines=True))
        if not self.waiting:
            return None
        one = self.waiting.popleft()
        return one, make(one, self.folder)

    def keep_later(self, one: _Waiting, task: Task) -> None:
        """Keep the lines of a file when all are summed."""
        self.later.append((one, task))
        self.held += one.size


def _read_on(
    actor: Actor, workspace: Workspace, order: _Order, report: PullReport, tell: Progress, stop: threading.Event
) -> PullReport:
    total, done, running = len(order.waiting), 0, order.running
    with reader(workspace.settings, total) as (read, at_once):
        while True:
            while len(running) < at_once and not stop.is_set():
                following = order.next(partial(_task, actor, workspace))
                if following is None:
                    break
                one, task = following
                if isinstance(task, FieldProblem):
                    done += 1
                    report = replace(report, failed=report.failed + 1, problems=[*report.problems, task])
                else:
                    running[read(task)] = one, task
            if not running:
                return report
            ended, _ = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
            for future in ended:
                one, task = running.pop(future)
                found = future.result()
                state = _stored(actor, workspace, one, found)
                if found.later:
                    order.keep_later(one, task)
                if task.reading.lines:
                    tell(done, total, f"Keeping the lines of {one.key}")
                    continue
                report = _counted(report, state)
                done += 1
                tell(done, total, one.key)
            if stop.is_set():
                for future in [each for each in running if each.cancel()]:
                    del running[future]


def _clear(inbox: Path) -> None:
    """Remove what readings that were ended long ago left."""
    for path in inbox.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > LEFT_BEHIND:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _task(actor: Actor, workspace: Workspace, one: _Waiting, folder: Path) -> Task | FieldProblem:
    key = storage_key(actor, workspace, one.choice, "bills.read")
    if isinstance(key, FieldProblem):
        return key
    return Task(
        storage=key,
        bucket=one.choice.bucket,
        etag=one.etag,
        reading=Reading(one.key, one.mapping, one.dialect, None if workspace.settings.dask else folder),
    )


def _counted(report: PullReport, state: str) -> PullReport:
    name = {"read": "read", "failed": "failed", "unknown_layout": "unknown", "not_a_bill": "no_bill"}[state]
    changes: dict[str, Any] = {name: getattr(report, name) + 1}
    return replace(report, **changes)


def _stored(actor: Actor, workspace: Workspace, one: _Waiting, found: Understood) -> str:
    """Put a file's lines in their place and record it; its state. The lines are there before the record, and the old
    ones go after it: whoever asks meanwhile finds either."""
    with looking(actor, workspace, "bills.known") as session:
        row = _row(session, one)
    if row and found.state == "failed" and row.etag == one.etag and row.state == "read":
        return found.state  # what was read of the same bytes stays
    row = row or BillObject(
        region=one.choice.region,
        bucket=one.choice.bucket,
        key=one.key,
        etag="",
        size=0,
        modified=one.modified,
        state="",
    )
    old = {row.file, row.summary}
    place = _place(found, f"{row.id}-{one.etag[:8]}")
    row.file = place if found.lines is not None else ""
    row.summary = f"summed/{place}" if found.summary is not None else ""
    _put(found.lines, workspace.settings.costs / row.file)
    _put(found.summary, workspace.settings.costs / row.summary)
    refused_path(workspace, row.id).unlink(missing_ok=True)
    _put(found.refused_lines, refused_path(workspace, row.id))
    row.etag, row.size, row.modified, row.read = one.etag, one.size, one.modified, now()
    row.state, row.problem, row.layout = found.state, found.problem, found.layout
    row.understood = understood_by(one.mapping, one.dialect)
    row.accepted, row.refused = found.accepted, found.refused
    row.sums = {currency: f"{cost:f}" for currency, cost in found.sums.items()}
    row.refused_sum = f"{found.refused_sum:f}"
    row.first_day, row.last_day = found.days or (None, None)
    row.accounts = found.accounts
    with changing(actor, workspace, "bills.read") as change:
        change.session.merge(row)
        counts = {"lines": found.accepted, "refused": found.refused}
        ending: Ending = "failed" if found.state == "failed" else "done"
        change.record(one.key, outcome=ending, bucket=one.choice.bucket, state=found.state, **counts)
    for name in old - {row.file, row.summary, ""}:
        (workspace.settings.costs / name).unlink(missing_ok=True)
    return found.state


def _row(session: Session, one: _Waiting) -> BillObject | None:
    return session.exec(
        select(BillObject).where(
            BillObject.region == one.choice.region,
            BillObject.bucket == one.choice.bucket,
            BillObject.key == one.key,
        )
    ).first()


def _place(found: Understood, name: str) -> str:
    account = quote(found.accounts[0], safe="") or "unknown" if len(found.accounts) == 1 else SEVERAL
    month = f"{found.days[0]:%Y-%m}" if found.days and found.months == 1 else SEVERAL
    return f"account={account}/month={month}/{name}.parquet"


def _put(content: Path | bytes | None, path: Path) -> None:
    if content is None:
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if isinstance(content, Path):
        content.replace(path)
        return
    draft = path.with_suffix(".new")
    draft.write_bytes(content)
    draft.replace(path)


def _view(row: BillObject) -> BillObjectView:
    same = {
        name: getattr(row, name) for name in BillObjectView.__dataclass_fields__ if name not in {"sums", "refused_sum"}
    }
    sums = {currency: Decimal(cost) for currency, cost in row.sums.items()}
    return BillObjectView(**same, sums=sums, refused_sum=Decimal(row.refused_sum))
