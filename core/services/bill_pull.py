"""The bill files of the billing buckets pulled: each read once, and again only when it changes."""

import contextlib
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, wait
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from sqlmodel import Session, select

from core.domain.actor import Actor
from core.domain.audit import Ending
from core.domain.bills import looks_like_bill
from core.domain.credentials import FieldProblem
from core.services import bucket_index
from core.services.bill_files import has_files, put_files, refused_path, remove_files
from core.services.bill_order import Order, Waiting
from core.services.bill_reading import Reading, Understood, understood_by
from core.services.billing import BucketChoice, bucket_choices, storage_key
from core.services.cost_engine import Task, reader
from core.services.line_keeper import LineKeeper, line_keeper
from core.services.mappings import chosen, mappings_of
from core.services.rights import use_case
from core.services.use_case import changing, looking
from core.services.workspace import Workspace
from core.store.columns import new_id, now
from core.store.tables.bills import BillObject

LEFT_BEHIND = 24 * 3600
"""Seconds after which what a reading left in the inbox, because it was ended, is nobody's any more."""
Progress = Callable[[int, int, str], None]
"""Told how many files are done, of how many, and what is being done."""


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
    work: list[Waiting] = []
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
) -> tuple[PullReport, list[Waiting]]:
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
        if row and row.accepted and not has_files(workspace, row):
            same = False
        if row and same and row.state != "failed":
            unchanged += 1
            continue
        work.append(Waiting(choice, key, one["etag"], one["size"], one["modified"], mapping, dialect))
    gone = [row for key, row in known.items() if key not in there]
    if gone:
        _forget(actor, workspace, gone)
    return replace(report, unchanged=report.unchanged + unchanged, gone=report.gone + len(gone)), work


def _forget(actor: Actor, workspace: Workspace, gone: list[BillObject]) -> None:
    with changing(actor, workspace, "bills.forget") as change:
        for row in gone:
            change.session.delete(change.session.merge(row, load=True))
            change.record(row.key, bucket=row.bucket, region=row.region)
    for row in gone:
        refused_path(workspace, row.id).unlink(missing_ok=True)
        remove_files(workspace, (row.file, row.summary))


def _read_all(
    actor: Actor,
    workspace: Workspace,
    work: list[Waiting],
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
        return _read_on(actor, workspace, Order(deque(work), own), report, tell, stop)
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


def _read_on(
    actor: Actor, workspace: Workspace, order: Order, report: PullReport, tell: Progress, stop: threading.Event
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


def _task(actor: Actor, workspace: Workspace, one: Waiting, folder: Path) -> Task | FieldProblem:
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


def _stored(actor: Actor, workspace: Workspace, one: Waiting, found: Understood) -> str:
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
    row.etag, row.size, row.modified, row.read = one.etag, one.size, one.modified, now()
    put_files(workspace, row, found)
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
    remove_files(workspace, old - {row.file, row.summary})
    return found.state


def _row(session: Session, one: Waiting) -> BillObject | None:
    return session.exec(
        select(BillObject).where(
            BillObject.region == one.choice.region,
            BillObject.bucket == one.choice.bucket,
            BillObject.key == one.key,
        )
    ).first()
