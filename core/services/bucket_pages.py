"""What is in a bucket, asked of its local index: folders, objects, what is searched, totals, and all of it as a table.

Polars reads it out of the index's file, which takes a tenth of a second over a million objects and never holds them all
as Python's."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

import polars as pl

from core.domain.actor import Actor
from core.outscale.models import StoredObject
from core.services import sheets
from core.services.billing import BucketChoice
from core.services.bucket_index import objects_of, once_more
from core.services.rights import use_case
from core.services.workspace import Workspace

_ENDS = {"csv": ("csv", "tsv"), "json": ("json", "jsonl", "ndjson"), "xlsx": ("xlsx",), "parquet": ("parquet",)}
_PACKED = ("gz", "zip", "zst")


@dataclass(frozen=True)
class Search:
    """What of a bucket is looked for: objects under `prefix`; with `recursive` those of all folders below too, without
    folders then. `words`: all of them are in what comes after the prefix, in any case. `since` and `until` (not
    included) bound the time of the last change, `smallest` and `largest` the size in bytes. `kind`: csv, json, xlsx,
    parquet, packed, or empty for all."""

    prefix: str = ""
    recursive: bool = False
    words: str = ""
    since: datetime | None = None
    until: datetime | None = None
    smallest: int | None = None
    largest: int | None = None
    kind: str = ""
    sort: str = "key"
    descending: bool = False


@dataclass(frozen=True)
class FolderRow:
    """A folder: its whole prefix, and what is in it and below: objects, bytes, the last change."""

    prefix: str
    objects: int
    size: int
    modified: datetime


@dataclass(frozen=True)
class IndexPage:
    """Part of what was looked for: folders first, then objects. The totals are of all that was, what is in the folders
    included."""

    folders: list[FolderRow] = field(default_factory=list)
    objects: list[StoredObject] = field(default_factory=list)
    total_folders: int = 0
    total_objects: int = 0
    total_size: int = 0
    more: bool = False


@use_case
def page(
    actor: Actor, workspace: Workspace, choice: BucketChoice, search: Search, offset: int, limit: int
) -> IndexPage:
    """At most `limit` folders and objects of what is looked for, from the one at `offset` on.

    Raises StoreError when the store cannot be read."""
    objects = objects_of(actor, workspace, choice)
    return once_more(lambda: _page(objects, search, offset, limit))


@use_case
def object_of(actor: Actor, workspace: Workspace, choice: BucketChoice, key: str) -> StoredObject | None:
    """One object as it was listed; None when it was not.

    Raises StoreError when the store cannot be read."""
    found = objects_of(actor, workspace, choice).filter(pl.col("key") == key)
    rows = once_more(found.collect).rows(named=True)
    return StoredObject(**rows[0]) if rows else None


@use_case
def export(
    actor: Actor, workspace: Workspace, choice: BucketChoice, search: Search, form: Literal["csv", "xlsx"], path: Path
) -> None:
    """Write what is looked for as a table that no spreadsheet takes for formulas.

    Raises ValueError for more objects than a sheet has rows, OSError when the disk does not take it, StoreError when
    the store cannot be read."""
    objects = _wanted(objects_of(actor, workspace, choice), search)
    if search.sort != "key" or search.descending:
        objects = objects.sort(search.sort, descending=search.descending, maintain_order=True)
    table = objects.rename({"key": "object key", "size": "bytes", "modified": "modified (UTC)"})
    if form == "csv":
        times = pl.col("modified (UTC)").dt.strftime("%Y-%m-%dT%H:%M:%SZ")
        sheets.harmless(table).with_columns(times).sink_csv(path)
    else:
        sheets.write(table.with_columns(pl.col("modified (UTC)").dt.replace_time_zone(None)).collect(), form, path)


def _wanted(objects: pl.LazyFrame, search: Search) -> pl.LazyFrame:
    """The objects under the prefix that the search wants, the folder's own placeholder aside."""
    key = pl.col("key")
    if search.prefix:
        # Both bounds let whole groups of the file be passed over.
        objects = objects.filter(key > search.prefix, key < _after(search.prefix))
    lowered = key.str.strip_prefix(search.prefix).str.to_lowercase()
    for word in search.words.lower().split():
        objects = objects.filter(lowered.str.contains(word, literal=True))
    if search.since:
        objects = objects.filter(pl.col("modified") >= search.since)
    if search.until:
        objects = objects.filter(pl.col("modified") < search.until)
    if search.smallest is not None:
        objects = objects.filter(pl.col("size") >= search.smallest)
    if search.largest is not None:
        objects = objects.filter(pl.col("size") <= search.largest)
    if search.kind:
        packed = "|".join(_PACKED)
        ends = packed if search.kind == "packed" else rf"({'|'.join(_ENDS[search.kind])})(\.({packed}))?"
        objects = objects.filter(lowered.str.contains(rf"\.({ends})$"))
    return objects


def _after(prefix: str) -> str:
    """The smallest text that is greater than everything that begins with the prefix."""
    return prefix + "\U0010ffff"


def _page(objects: pl.LazyFrame, search: Search, offset: int, limit: int) -> IndexPage:
    wanted = _wanted(objects, search)
    folders: list[FolderRow] = []
    total_folders, below_objects, below_size = 0, 0, 0
    if not search.recursive:
        inside = pl.col("key").str.strip_prefix(search.prefix)
        below = inside.str.contains("/", literal=True)
        grouped = _folders(wanted.filter(below), search, inside)
        wanted = wanted.filter(~below)
        total_folders, below_objects, below_size = (
            len(grouped),
            int(grouped["objects"].sum()),
            int(grouped["size"].sum()),
        )
        folders = [
            FolderRow(search.prefix + row["folder"] + "/", row["objects"], row["size"], row["modified"])
            for row in grouped.slice(offset, limit).iter_rows(named=True)
        ]
    if search.sort != "key" or search.descending:
        by = [search.sort] if search.sort == "key" else [search.sort, "key"]
        ordered = wanted.sort(by, descending=[search.descending, False][: len(by)])
    else:
        ordered = wanted
    left = limit - len(folders)
    totals, found = pl.collect_all(
        [
            wanted.select(pl.len().alias("objects"), pl.col("size").sum()),
            ordered.slice(max(0, offset - total_folders), left),
        ]
    )
    total_objects, total_size = totals.row(0)
    return IndexPage(
        folders,
        [StoredObject(**row) for row in found.iter_rows(named=True)],
        total_folders,
        total_objects + below_objects,
        total_size + below_size,
        offset + limit < total_folders + total_objects,
    )


def _folders(below: pl.LazyFrame, search: Search, inside: pl.Expr) -> pl.DataFrame:
    """The folders directly under the prefix: `folder` (its name), `objects` without placeholders, `size`,
    `modified`."""
    real = (~pl.col("key").str.ends_with("/")) | (pl.col("size") > 0)
    by = {"key": "folder"}.get(search.sort, search.sort)
    return (
        below.with_columns(inside.str.splitn("/", 2).struct.field("field_0").alias("folder"))
        .group_by("folder")
        .agg(real.sum().cast(pl.Int64()).alias("objects"), pl.col("size").sum(), pl.col("modified").max())
        .sort([by, "folder"] if by != "folder" else ["folder"], descending=search.descending)
        .collect(engine="streaming")
    )
