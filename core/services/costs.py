"""Costs out of the bill files that were read: summed, traced back to files and lines.

A line's costs belong to the first day of its period. Every sum is a Decimal of one currency; sums of different
currencies are never added. What was delivered twice is counted once (`core.services.counted_bills`)."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import polars as pl

from core.bills.lines import SUMMED_LINES
from core.domain.actor import Actor
from core.domain.bill_lines import LINE, Field
from core.domain.costs import CostQuery
from core.services.bill_files import known_bills
from core.services.counted_bills import AMOUNT, KINDS, SUMS, CountedBills, count_bills, look_twice
from core.services.rights import use_case
from core.services.scope import scope_of
from core.services.use_case import looking
from core.services.workspace import Workspace


@dataclass(frozen=True)
class FileShare:
    """What one file adds to a sum in one currency: its cost, and how many of its lines."""

    region: str
    bucket: str
    key: str
    currency: str
    cost: Decimal
    lines: int
    kept: bool
    """Whether its lines can be read; those of a large file are kept some time after it was summed."""


@dataclass(frozen=True)
class LeftOut:
    """Days of a file that are not counted, because the file `instead` (of its bucket) has them too. `sums`: by
    currency what they come to; `first` and `last`: the days between which they are, `days` of them."""

    region: str
    bucket: str
    key: str
    instead_bucket: str
    instead: str
    accounts: list[str]
    days: int
    first: date
    last: date
    sums: dict[str, Decimal]


@use_case
def costs(actor: Actor, workspace: Workspace, query: CostQuery) -> pl.DataFrame:
    """The costs of a period: a row for each combination of `query.by` that occurs and each currency, sorted. Columns:
    those of `query.by` (`month` as `2026-10`, `day` a Date, the others text, empty where the bill does not tell),
    `currency`, `cost` and `quantity` (Decimal), `lines`.

    Raises StoreError when the store cannot be read."""
    return look_twice(lambda: _bills(actor, workspace).remembered("costs", query, _costs))


@use_case
def files(actor: Actor, workspace: Workspace, query: CostQuery) -> list[FileShare]:
    """The files that a query's costs come from, the largest share first; `query.by` is not used.

    Raises StoreError when the store cannot be read."""

    def find() -> list[FileShare]:
        bills = _bills(actor, workspace)
        frame = bills.remembered("files", query, _by_file)
        by_id = {row.id: row for row in bills.rows}
        return [
            FileShare(
                by_id[row["id"]].region,
                by_id[row["id"]].bucket,
                by_id[row["id"]].key,
                row["currency"],
                row["cost"],
                row["lines"],
                bills.has_lines(by_id[row["id"]]),
            )
            for row in frame.iter_rows(named=True)
        ]

    return look_twice(find)


@use_case
def lines(
    actor: Actor, workspace: Workspace, query: CostQuery, share: FileShare, offset: int, limit: int
) -> pl.DataFrame:
    """The lines of a file that a query counts, in the file's order: `line` (their number in it) and every `Field`.
    `limit` of them from `offset` on.

    Raises StoreError when the store cannot be read."""

    def find() -> pl.DataFrame:
        bills = _bills(actor, workspace)
        place = (share.region, share.bucket, share.key)
        frames = [frame for row, frame in bills.lines(query) if (row.region, row.bucket, row.key) == place]
        if not frames:
            return pl.DataFrame()
        own = frames[0].filter(pl.col(Field.CURRENCY) == share.currency)
        return own.select(LINE, *(one.value for one in Field)).slice(offset, limit).collect(engine="streaming")

    return look_twice(find)


@use_case
def query_lines(actor: Actor, workspace: Workspace, query: CostQuery) -> pl.LazyFrame:
    """All lines that a query counts, every `Field` of them; `query.by` is not used.

    Raises StoreError when the store cannot be read, ValueError while lines of some files are still to be kept."""
    bills = _bills(actor, workspace)
    if waiting := sum(not bills.has_lines(row) for row in bills.rows):
        raise ValueError(f"The lines of {waiting} files are still being kept. Wait for the end of the reading.")
    fields = [one.value for one in Field]
    frames = [frame.select(fields) for _, frame in bills.lines(query)]
    return pl.concat(frames) if frames else pl.LazyFrame(schema=KINDS)


@use_case
def without_lines(actor: Actor, workspace: Workspace) -> int:
    """How many files are summed while their lines are still to be kept.

    Raises StoreError when the store cannot be read."""
    bills = _bills(actor, workspace)
    return sum(not bills.has_lines(row) for row in bills.rows)


@use_case
def values(actor: Actor, workspace: Workspace, field: Field) -> list[str]:
    """The values of a text field that occur in the lines that are counted, sorted.

    Raises StoreError when the store cannot be read."""
    everything = CostQuery(since=date.min, until=date.max, by=())

    def distinct(bills: CountedBills, query: CostQuery) -> pl.DataFrame:
        found = bills.frames(query) if field.value in SUMS else bills.lines(query)
        frames = [frame.select(field.value) for _, frame in found]
        if not frames:
            return pl.DataFrame(schema={field.value: pl.String()})
        return pl.concat(frames).unique().sort(field.value).collect(engine="streaming")

    found = look_twice(lambda: _bills(actor, workspace).remembered(f"values {field}", everything, distinct))
    return found[field.value].to_list()


@use_case
def period_known(actor: Actor, workspace: Workspace) -> tuple[date, date] | None:
    """The first and the last day of all lines; None while no bill was read.

    Raises StoreError when the store cannot be read."""
    rows = _bills(actor, workspace).rows
    if not rows:
        return None
    return min(row.first_day for row in rows if row.first_day), max(row.last_day for row in rows if row.last_day)


@use_case
def list_left_out(actor: Actor, workspace: Workspace) -> list[LeftOut]:
    """What is not counted because another file has it too, by file.

    Raises StoreError when the store cannot be read."""
    return look_twice(lambda: _left_out(_bills(actor, workspace)))


def _bills(actor: Actor, workspace: Workspace) -> CountedBills:
    with looking(actor, workspace, "costs.look") as session:
        rows = list(known_bills(session, scope_of(actor, workspace)))
    return count_bills(rows, workspace.settings.costs)


def _costs(bills: CountedBills, query: CostQuery) -> pl.DataFrame:
    frames = [frame for _, frame in bills.frames(query)]
    by = [*query.by, Field.CURRENCY.value]
    kinds: dict[str, pl.DataType] = {name: pl.Date() if name == "day" else pl.String() for name in by}
    if not frames:
        return pl.DataFrame(schema=kinds | {"cost": AMOUNT, "quantity": AMOUNT, SUMMED_LINES: pl.Int64()})
    month = pl.col(Field.DAY).dt.truncate("1mo").alias("month")
    summed = (
        pl.concat(frames)
        .group_by([month if name == "month" else pl.col(name) for name in by])
        .agg(pl.col(Field.COST).sum(), pl.col(Field.QUANTITY).sum(), pl.col(SUMMED_LINES).sum())
        .collect(engine="streaming")
    )
    if "month" in by:
        summed = summed.with_columns(pl.col("month").dt.strftime("%Y-%m"))
    return summed.sort(by)


def _by_file(bills: CountedBills, query: CostQuery) -> pl.DataFrame:
    frames = [frame.with_columns(id=pl.lit(row.id)) for row, frame in bills.frames(query)]
    if not frames:
        return pl.DataFrame()
    return (
        pl.concat(frames)
        .group_by("id", Field.CURRENCY)
        .agg(pl.col(Field.COST).sum(), pl.col(SUMMED_LINES).sum())
        .sort("cost", "id", descending=[True, False])
        .collect(engine="streaming")
    )


def _left_out(bills: CountedBills) -> list[LeftOut]:
    by_id = {row.id: row for row in bills.rows}
    found = []
    for (id, kept), days in sorted(bills.without.group_by("id", "kept"), key=lambda one: by_id[str(one[0][0])].key):
        row, instead = by_id[str(id)], by_id[str(kept)]
        sums = (
            bills.sums(row)
            .join(days.lazy().select("account", "day"), on=["account", "day"], how="semi")
            .group_by(Field.CURRENCY)
            .agg(pl.col(Field.COST).sum())
            .collect(engine="streaming")
        )
        found.append(
            LeftOut(
                region=row.region,
                bucket=row.bucket,
                key=row.key,
                instead_bucket=instead.bucket,
                instead=instead.key,
                accounts=sorted(days["account"].unique().to_list()),
                days=days["day"].n_unique(),
                first=days["day"].min(),  # type: ignore[arg-type]
                last=days["day"].max(),  # type: ignore[arg-type]
                sums={one["currency"]: one["cost"] for one in sums.iter_rows(named=True)},
            )
        )
    return found
