"""How the bill files under a prefix are mapped, as a person decided: kept in versions, of which the newest counts."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import polars as pl
from sqlmodel import Session, col, select

from core.bills.layouts import propose, recognise
from core.bills.lines import to_lines
from core.domain.actor import Actor
from core.domain.bill_lines import LINE, Dialect, Field, Mapping
from core.domain.credentials import FieldProblem
from core.services.billing import BucketChoice
from core.services.rights import use_case
from core.services.use_case import changing, looking
from core.services.workspace import Workspace
from core.store.tables.bills import BillMapping

LONGEST_PREFIX = 1024
"""Bytes of an object key at most (AWS: Naming Amazon S3 objects)."""


@dataclass(frozen=True)
class MappingView:
    """One version of a mapping. `created` is UTC; `in_force`: whether it is the newest of its prefix."""

    id: str
    prefix: str
    version: int
    mapping: Mapping
    dialect: Dialect | None
    columns_seen: list[str]
    actor: str
    created: datetime
    in_force: bool


def mapping_for(session: Session, region: str, bucket: str, key: str) -> tuple[Mapping, Dialect | None, int] | None:
    """The mapping of an object, the dialect to read it in (None: as it is detected) and the mapping's version: the
    newest of the longest prefix that the object key begins with. None when nobody decided."""
    return chosen(mappings_of(session, region, bucket), key)


def mappings_of(session: Session, region: str, bucket: str) -> list[BillMapping]:
    """All versions of a bucket's mappings, the longest prefix and the newest version first."""
    rows = session.exec(
        select(BillMapping)
        .where(BillMapping.region == region, BillMapping.bucket == bucket)
        .order_by(col(BillMapping.version).desc())
    ).all()
    return sorted(rows, key=lambda row: -len(row.prefix))


def chosen(rows: list[BillMapping], key: str) -> tuple[Mapping, Dialect | None, int] | None:
    """Of a bucket's mappings, as `mappings_of` gives them, the one for an object."""
    row = next((one for one in rows if key.startswith(one.prefix)), None)
    if row is None:
        return None
    return Mapping.model_validate(row.mapping), _dialect(row), row.version


@use_case
def list_mappings(actor: Actor, workspace: Workspace, choice: BucketChoice) -> list[MappingView]:
    """All versions of a bucket's mappings, by prefix, the newest first.

    Raises StoreError when the store cannot be read."""
    with looking(actor, workspace, "mappings.list") as session:
        rows = mappings_of(session, choice.region, choice.bucket)
    newest: set[str] = set()
    views = []
    for row in sorted(rows, key=lambda one: (one.prefix, -one.version)):
        views.append(
            MappingView(
                row.id,
                row.prefix,
                row.version,
                Mapping.model_validate(row.mapping),
                _dialect(row),
                row.columns_seen,
                row.actor,
                row.created,
                row.prefix not in newest,
            )
        )
        newest.add(row.prefix)
    return views


@dataclass(frozen=True)
class Proposal:
    """How a file is read. `decided`: the version that a person decided for it, None when its columns speak for
    themselves (`recognised`) or the mapping is a guess."""

    mapping: Mapping
    recognised: bool
    decided: MappingView | None = None


@dataclass(frozen=True)
class Trial:
    """What a mapping makes of some rows: `accepted` as lines (see `Field`) and `refused` with `line`, `reason`, `text`
    and `cost`; lines are counted from 1 among these rows. `sums`: the accepted costs by currency."""

    accepted: pl.DataFrame
    refused: pl.DataFrame
    sums: dict[str, Decimal]


@use_case
def proposed(actor: Actor, workspace: Workspace, choice: BucketChoice, key: str, rows: pl.DataFrame) -> Proposal:
    """How an object with these first rows (all text) is read when bills are read, or the best guess where it is not.

    Raises StoreError when the store cannot be read."""
    for version in sorted(list_mappings(actor, workspace, choice), key=lambda one: -len(one.prefix)):
        fits = set(version.mapping.columns.values()) <= set(rows.columns)
        if version.in_force and key.startswith(version.prefix) and fits:
            return Proposal(version.mapping, recognised=True, decided=version)
    sure = recognise(rows.columns, rows)
    return Proposal(sure, recognised=True) if sure else Proposal(propose(rows.columns, rows), recognised=False)


def tried(mapping: Mapping, rows: pl.DataFrame) -> Trial:
    """Read some rows (all text) by a mapping that misses nothing."""
    lines = to_lines(rows.with_row_index(LINE, offset=1).cast({LINE: pl.Int64}).lazy(), mapping)
    accepted, refused = pl.collect_all([lines.accepted, lines.refused])
    sums = accepted.group_by(Field.CURRENCY).agg(pl.col(Field.COST).sum()).sort(Field.CURRENCY)
    return Trial(accepted, refused, dict(sums.iter_rows()))


@use_case
def save_mapping(
    actor: Actor,
    workspace: Workspace,
    choice: BucketChoice,
    prefix: str,
    mapping: Mapping,
    dialect: Dialect | None,
    columns: list[str],
) -> FieldProblem | None:
    """Keep a mapping for the objects of a bucket whose keys begin with `prefix` (all for none), as its next version.
    `columns`: those of the file that it was made for. Gives what is wrong with it. It is used when bills are read next.

    Raises StoreError when the store refuses."""
    if problem := _problem(prefix, mapping, columns):
        return problem
    with changing(actor, workspace, "mapping.save") as change:
        versions = [
            one.version for one in mappings_of(change.session, choice.region, choice.bucket) if one.prefix == prefix
        ]
        version = max(versions, default=0) + 1
        change.session.add(
            BillMapping(
                region=choice.region,
                bucket=choice.bucket,
                prefix=prefix,
                version=version,
                mapping=mapping.model_dump(mode="json"),
                dialect=dialect.model_dump(mode="json") if dialect else None,
                columns_seen=columns,
                actor=actor.name,
            )
        )
        change.record(choice.bucket, region=choice.region, prefix=prefix, version=version, layout=mapping.layout)
    return None


@use_case
def apply_again(actor: Actor, workspace: Workspace, choice: BucketChoice, version: MappingView) -> FieldProblem | None:
    """Put an older version in force again, as a new one; see `save_mapping`."""
    return save_mapping(
        actor, workspace, choice, version.prefix, version.mapping, version.dialect, version.columns_seen
    )


@use_case
def delete_mappings(actor: Actor, workspace: Workspace, choice: BucketChoice, prefix: str) -> bool:
    """Delete all versions of a prefix: its files are understood by themselves again. False when there are none.

    Raises StoreError when the store refuses."""
    with changing(actor, workspace, "mapping.delete") as change:
        rows = [one for one in mappings_of(change.session, choice.region, choice.bucket) if one.prefix == prefix]
        for row in rows:
            change.session.delete(row)
        if rows:
            change.record(choice.bucket, region=choice.region, prefix=prefix, versions=len(rows))
        return bool(rows)


def _problem(prefix: str, mapping: Mapping, columns: list[str]) -> FieldProblem | None:
    if len(prefix.encode()) > LONGEST_PREFIX:
        return FieldProblem(field="prefix", what="The prefix is longer than any object key.", mend="Shorten it.")
    if mapping.missing:
        names = " and ".join(field.value for field in mapping.missing)
        return FieldProblem(
            field="columns",
            what=f"Nothing says the {names} of a line.",
            mend="Choose the column, or a constant; quantity and unit price stand for a cost.",
        )
    absent = sorted(set(mapping.columns.values()) - set(columns))
    if absent:
        return FieldProblem(
            field="columns", what=f"The file has no column {', '.join(absent)}.", mend="Choose of its own."
        )
    return None


def _dialect(row: BillMapping) -> Dialect | None:
    return Dialect.model_validate(row.dialect) if row.dialect else None
