"""The local index of a bucket: listed once, and brought up to date by comparing.

The objects stand sorted by object key in a Parquet file of the home folder. `core.services.bucket_pages` asks it."""

import errno
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import polars as pl
from sqlalchemy import update
from sqlmodel import Session, col, select

from core.domain.actor import Actor
from core.domain.audit import Ending
from core.domain.credentials import FieldProblem
from core.outscale.errors import OutscaleError
from core.outscale.listing import StoppedError, UnorderedError, list_in_turn, list_ranges
from core.outscale.oos_pages import ListedPage
from core.services.billing import BucketChoice, open_storage, refusal
from core.services.rights import use_case
from core.services.use_case import changing, looking
from core.services.workspace import Workspace
from core.store.columns import new_id, now
from core.store.tables.bills import BucketIndex

STALE = timedelta(minutes=15)
"""After this long a listing is refreshed when somebody looks at it."""
LEASE = timedelta(seconds=60)
RENEW = 10.0
"""Seconds after which a refresh under way says again that it is alive."""
NAMED = 1000
"""Changes that are kept by name after a refresh; all of them are counted."""

_SCHEMA = pl.Schema(
    {
        "key": pl.String(),
        "size": pl.Int64(),
        "modified": pl.Datetime("us", "UTC"),
        "etag": pl.String(),
        "storage_class": pl.String(),
    }
)
_CHANGES = pl.Schema({"change": pl.String(), **{name: _SCHEMA[name] for name in ("key", "size", "modified")}})
_ROWS = 50_000
"""Objects in a group of the file: groups that cannot hold what is asked for are not read."""

Progress = Callable[[int, int], None]
"""Told how many objects are listed so far, and their bytes."""
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class IndexView:
    """What is known of a bucket's listing. `listed`: when the last complete one began (UTC), None before the first;
    `objects`, `size` (bytes) are its; `added`, `changed`, `deleted`: what it found against the one before."""

    state: str
    listed: datetime | None
    objects: int
    size: int
    added: int
    changed: int
    deleted: int
    problem: str

    @property
    def stale(self) -> bool:
        """Whether it was a while ago."""
        return self.listed is None or now() - self.listed > STALE


@dataclass(frozen=True)
class Refreshed:
    """What is known after a refresh, and why it did not succeed. `stopped`: somebody asked for that."""

    view: IndexView
    problem: FieldProblem | None = None
    stopped: bool = False


@use_case
def refresh(
    actor: Actor,
    workspace: Workspace,
    choice: BucketChoice,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Refreshed:
    """List a bucket again and replace its index. What was known stays until the new listing is complete. While another
    one lists the same bucket, wait for it and take what it found.

    Raises StoreError when the store refuses."""
    stop = stop or threading.Event()
    storage = open_storage(actor, workspace, choice, "buckets.refresh")
    if isinstance(storage, FieldProblem):
        return Refreshed(index_of(actor, workspace, choice) or _EMPTY, storage)
    row, mine = _claim(actor, workspace, choice)
    if not mine:
        return _await(actor, workspace, choice, progress, stop)
    folder = workspace.settings.home / "index"
    drafts = folder / f"{row.id}.{new_id()}"
    listing = _Listing(workspace, row.id, drafts, progress)
    ended = _ended(row, state="failed", problem="The program was ended.")
    problem: FieldProblem | None = None
    try:
        drafts.mkdir(mode=0o700, parents=True)
        try:
            list_ranges(storage, choice.bucket, listing.take, listing.seen, stop)
            ordered = True
        except UnorderedError:
            listing.begin_again()
            list_in_turn(storage, choice.bucket, listing.take, listing.seen, stop)
            ordered = False
        found = listing.put(folder / f"{row.id}.parquet", ordered=ordered)
        counts = {"objects": listing.objects, "size": listing.size, **found}
        ended = _ended(row, state="complete", problem="", listed=row.begun, **counts)
    except StoppedError:
        ended = _ended(row, state="stopped", problem="")
    except OutscaleError as error:
        problem = refusal(error)
    except (OSError, pl.exceptions.ComputeError) as error:
        problem = _disk(error, folder)
    finally:
        shutil.rmtree(drafts, ignore_errors=True)
        if problem:
            ended = _ended(row, state="failed", problem=str(problem))
        with changing(actor, workspace, "buckets.refresh") as change:
            change.session.merge(ended)
            told = {name: getattr(ended, name) for name in ("state", "objects", "added", "changed", "deleted")}
            ending: Ending = "done" if ended.state == "complete" else "failed"
            change.record(choice.credentials, outcome=ending, bucket=choice.bucket, region=choice.region, **told)
    return Refreshed(_view(ended), problem, ended.state == "stopped")


@use_case
def index_of(actor: Actor, workspace: Workspace, choice: BucketChoice) -> IndexView | None:
    """What is known of a bucket's listing; None when nobody ever asked for one.

    Raises StoreError when the store cannot be read."""
    with looking(actor, workspace, "buckets.index") as session:
        row = _row(session, choice)
    if row is None:
        return None
    if row.listed and not (workspace.settings.home / "index" / f"{row.id}.parquet").exists():
        return _EMPTY  # the files can be removed, and do not come back with the database
    return _view(row)


@use_case
def objects_of(actor: Actor, workspace: Workspace, choice: BucketChoice) -> pl.LazyFrame:
    """All objects of the last complete listing, by object key: `key`, `size` in bytes, `modified` (UTC), `etag`,
    `storage_class`. Empty when there is none.

    Raises StoreError when the store cannot be read."""
    path = _path(actor, workspace, choice, "parquet")
    return pl.scan_parquet(path) if path else pl.LazyFrame(schema=_SCHEMA)


@use_case
def changes_of(actor: Actor, workspace: Workspace, choice: BucketChoice) -> pl.DataFrame:
    """What the last refresh found, the first 1,000 of each: `change` (new, changed, deleted), `key`, `size` in bytes
    and `modified` (UTC), for a deleted object as they were.

    Raises StoreError when the store cannot be read."""
    path = _path(actor, workspace, choice, "changes")
    return once_more(lambda: pl.read_parquet(path)) if path else pl.DataFrame(schema=_CHANGES)


def once_more(read: Callable[[], Answer]) -> Answer:
    """A refresh may put another file in the place of the one that is being read."""
    try:
        return read()
    except (pl.exceptions.PolarsError, OSError):
        return read()


def _ended(row: BucketIndex, **changes: object) -> BucketIndex:
    """The same row at its end: nobody works on it any more."""
    return BucketIndex(**(row.model_dump() | changes | {"worker_until": None}))


_EMPTY = IndexView("empty", None, 0, 0, 0, 0, 0, "")


def _row(session: Session, choice: BucketChoice) -> BucketIndex | None:
    return session.exec(
        select(BucketIndex).where(BucketIndex.region == choice.region, BucketIndex.bucket == choice.bucket)
    ).first()


def _path(actor: Actor, workspace: Workspace, choice: BucketChoice, ending: str) -> Path | None:
    with looking(actor, workspace, "buckets.index") as session:
        row = _row(session, choice)
    path = workspace.settings.home / "index" / f"{row.id if row else ''}.{ending}"
    return path if path.exists() else None


def _view(row: BucketIndex) -> IndexView:
    """A row as it is now: a listing whose worker has not been heard of was cut off."""
    state = "stopped" if row.state == "listing" and not _alive(row) else row.state
    return IndexView(state, row.listed, row.objects, row.size, row.added, row.changed, row.deleted, row.problem)


def _alive(row: BucketIndex) -> bool:
    return row.state == "listing" and row.worker_until is not None and row.worker_until > now()


def _claim(actor: Actor, workspace: Workspace, choice: BucketChoice) -> tuple[BucketIndex, bool]:
    """The bucket's row, and whether this process lists it now."""
    with changing(actor, workspace, "buckets.refresh") as change:
        row = _row(change.session, choice) or BucketIndex(region=choice.region, bucket=choice.bucket)
        if _alive(row):
            return row, False
        row.state, row.begun, row.worker_until, row.problem = "listing", now(), now() + LEASE, ""
        change.session.add(row)
        change.record(choice.credentials, bucket=choice.bucket, region=choice.region, state="listing")
    return row, True


def _await(
    actor: Actor, workspace: Workspace, choice: BucketChoice, progress: Progress | None, stop: threading.Event
) -> Refreshed:
    while not stop.wait(0.5):
        view = index_of(actor, workspace, choice) or _EMPTY
        if view.state != "listing":
            problem = None
            if view.state != "complete":
                problem = FieldProblem(
                    field="bucket",
                    what=view.problem or f"The listing of {choice.bucket} was stopped by whoever began it.",
                    mend="List it again.",
                )
            return Refreshed(view, problem)
        if progress:
            progress(view.objects, view.size)
    return Refreshed(index_of(actor, workspace, choice) or _EMPTY, stopped=True)


def _disk(error: Exception, folder: Path) -> FieldProblem:
    full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error)
    return FieldProblem(
        field="folder",
        what=f"The disk of {folder} has no room for it." if full else f"The folder {folder} cannot be written: {error}",
        mend="Make room or set its rights, then refresh. What was known of the bucket stays.",
    )


class _Listing:
    """The batches of one listing, each in a file of its own until all are there."""

    def __init__(self, workspace: Workspace, id: str, drafts: Path, progress: Progress | None) -> None:
        self._workspace = workspace
        self._id = id
        self._drafts = drafts
        self._progress = progress
        self._lock = threading.Lock()
        self._renewed = time.monotonic()
        self._parts: list[tuple[str, Path]] = []
        self.objects = 0
        self.size = 0

    def begin_again(self) -> None:
        """Forget what came."""
        with self._lock:
            self._parts, self.objects, self.size = [], 0, 0

    def seen(self, objects: int, size: int) -> None:
        """Count a page, and say from time to time that the listing is alive."""
        with self._lock:
            self.objects += objects
            self.size += size
            if self._progress:
                self._progress(self.objects, self.size)
            if time.monotonic() - self._renewed < RENEW:
                return
            self._renewed = time.monotonic()
        with self._workspace.store.writing() as session:
            session.exec(update(BucketIndex).where(col(BucketIndex.id) == self._id).values(worker_until=now() + LEASE))

    def take(self, batch: ListedPage) -> None:
        """Write a batch to the disk."""
        if not batch.keys:
            return
        path = self._drafts / f"{new_id()}.parquet"
        columns = dict(zip(_SCHEMA, (batch.keys, batch.sizes, batch.modified, batch.etags, batch.classes), strict=True))
        times = pl.col("modified").str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", time_zone="UTC")
        frame = pl.DataFrame(columns, schema=_SCHEMA | {"modified": pl.String()}).with_columns(times)
        frame.write_parquet(path, compression="lz4")
        with self._lock:
            self._parts.append((batch.keys[0], path))

    def put(self, path: Path, *, ordered: bool) -> dict[str, int]:
        """Put the listing in the place of the one before; how many objects were added, changed and deleted since."""
        parts = [part for _, part in sorted(self._parts)]
        objects = pl.scan_parquet(parts) if parts else pl.LazyFrame(schema=_SCHEMA)
        draft = self._drafts / "whole"
        (objects if ordered else objects.sort("key")).sink_parquet(draft, compression="zstd", row_group_size=_ROWS)
        found = {"added": 0, "changed": 0, "deleted": 0}
        changes = self._drafts / "changes"
        if path.exists():
            before, after = pl.scan_parquet(path), pl.scan_parquet(draft)
            found = _compare(before, after, changes)
        else:
            pl.DataFrame(schema=_CHANGES).write_parquet(changes)
        draft.replace(path)
        changes.replace(path.with_suffix(".changes"))
        return found


def _compare(before: pl.LazyFrame, after: pl.LazyFrame, changes: Path) -> dict[str, int]:
    new = after.join(before, on="key", how="anti")
    changed = after.join(before, on=["key", "etag", "size"], how="anti").join(before, on="key", how="semi")
    deleted = before.join(after, on="key", how="anti")
    counts, named = {}, []
    for word, objects in (("new", new), ("changed", changed), ("deleted", deleted)):
        found = objects.select(pl.lit(word).alias("change"), "key", "size", "modified").collect(engine="streaming")
        counts["added" if word == "new" else word] = len(found)
        named.append(found.sort("key").head(NAMED))
    pl.concat(named).write_parquet(changes)
    return counts
