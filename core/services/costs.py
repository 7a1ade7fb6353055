"""Costs out of the bill files that were read: summed, traced back to files and lines, looked ahead.

A line's costs belong to the first day of its period. Every sum is a Decimal of one currency; sums of different
currencies are never added. What was delivered twice is counted once (`core.services.duplicates`)."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import polars as pl

from core.bills.lines import SUMMED_LINES
from core.domain.actor import Actor
from core.domain.bill_lines import AMOUNTS, DATES, LINE, SCALE, SUMMED_BY, Field
from core.domain.costs import CostQuery, months_later, next_month
from core.services.bill_files import known_bills
from core.services.duplicates import fingerprint, left_out
from core.services.rights import use_case
from core.services.scope import scope_of
from core.services.use_case import looking
from core.services.workspace import Workspace
from core.store.tables import BillObject, now

MEAN_DAYS = 14
"""So many last known days make the mean that a forecast goes on with."""
MEAN_MONTHS = 3
"""So many full months make the mean for a month of which nothing is known."""
Answer = TypeVar("Answer")


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


@dataclass(frozen=True)
class Forecast:
    """What the running month will cost in one currency, and how that was found."""

    month: date
    currency: str
    cost: Decimal
    method: str


@dataclass(frozen=True)
class _Bills:
    """The bill files as they stand, and what of them is left out."""

    rows: list[BillObject]
    folder: Path
    without: pl.DataFrame
    print: str


@use_case
def costs(actor: Actor, workspace: Workspace, query: CostQuery) -> pl.DataFrame:
    """The costs of a period: a row for each combination of `query.by` that occurs and each currency, sorted. Columns:
    those of `query.by` (`month` as `2026-10`, `day` a Date, the others text, empty where the bill does not tell),
    `currency`, `cost` and `quantity` (Decimal), `lines`.

    Raises StoreError when the store cannot be read."""
    return _there(lambda: _asked(_bills(actor, workspace), "costs", query, _costs))


@use_case
def files(actor: Actor, workspace: Workspace, query: CostQuery) -> list[FileShare]:
    """The files that a query's costs come from, the largest share first; `query.by` is not used.

    Raises StoreError when the store cannot be read."""

    def find() -> list[FileShare]:
        bills = _bills(actor, workspace)
        frame = _asked(bills, "files", query, _by_file)
        by_id = {row.id: row for row in bills.rows}
        return [
            FileShare(
                by_id[row["id"]].region,
                by_id[row["id"]].bucket,
                by_id[row["id"]].key,
                row["currency"],
                row["cost"],
                row["lines"],
                _has_lines(bills, by_id[row["id"]]),
            )
            for row in frame.iter_rows(named=True)
        ]

    return _there(find)


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
        frames = [frame for row, frame in _lines(bills, query) if (row.region, row.bucket, row.key) == place]
        if not frames:
            return pl.DataFrame()
        own = frames[0].filter(pl.col(Field.CURRENCY) == share.currency)
        return own.select(LINE, *(one.value for one in Field)).slice(offset, limit).collect(engine="streaming")

    return _there(find)


@use_case
def query_lines(actor: Actor, workspace: Workspace, query: CostQuery) -> pl.LazyFrame:
    """All lines that a query counts, every `Field` of them; `query.by` is not used.

    Raises StoreError when the store cannot be read, ValueError while lines of some files are still to be kept."""
    bills = _bills(actor, workspace)
    if waiting := sum(not _has_lines(bills, row) for row in bills.rows):
        raise ValueError(f"The lines of {waiting} files are still being kept. Wait for the end of the reading.")
    fields = [one.value for one in Field]
    frames = [frame.select(fields) for _, frame in _lines(bills, query)]
    return pl.concat(frames) if frames else pl.LazyFrame(schema=_KINDS)


@use_case
def without_lines(actor: Actor, workspace: Workspace) -> int:
    """How many files are summed while their lines are still to be kept.

    Raises StoreError when the store cannot be read."""
    bills = _bills(actor, workspace)
    return sum(not _has_lines(bills, row) for row in bills.rows)


@use_case
def values(actor: Actor, workspace: Workspace, field: Field) -> list[str]:
    """The values of a text field that occur in the lines that are counted, sorted.

    Raises StoreError when the store cannot be read."""
    everything = CostQuery(since=date.min, until=date.max, by=())

    def distinct(bills: _Bills, query: CostQuery) -> pl.DataFrame:
        found = _frames(bills, query) if field.value in _SUMS else _lines(bills, query)
        frames = [frame.select(field.value) for _, frame in found]
        if not frames:
            return pl.DataFrame(schema={field.value: pl.String()})
        return pl.concat(frames).unique().sort(field.value).collect(engine="streaming")

    found = _there(lambda: _asked(_bills(actor, workspace), f"values {field}", everything, distinct))
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
    return _there(lambda: _left_out(_bills(actor, workspace)))


@use_case
def forecast(actor: Actor, workspace: Workspace, query: CostQuery, today: date | None = None) -> list[Forecast]:
    """What the running month will cost by each currency, for the lines of `query.where`; the period of the query is not
    used. What is known of the month is taken, and every day after it like the mean of the last known days; while
    nothing of it is known, the mean of the last months. `today` (UTC) is for looks at another day.

    Raises StoreError when the store cannot be read."""
    day = today or now().date()
    month = day.replace(day=1)
    end = next_month(month)
    since = months_later(month, -MEAN_MONTHS)
    known = costs(actor, workspace, query.model_copy(update={"since": since, "until": end, "by": ("day",)}))
    by_currency: dict[str, dict[date, Decimal]] = defaultdict(dict)
    for row in known.iter_rows(named=True):
        by_currency[row["currency"]][row["day"]] = row["cost"]
    return [_ahead(currency, days, month, end) for currency, days in sorted(by_currency.items())]


def _ahead(currency: str, days: dict[date, Decimal], month: date, end: date) -> Forecast:
    running = {day: cost for day, cost in days.items() if day >= month}
    # A line for a whole month stands on its first day: such a bill tells nothing about single days.
    if len(running) > 1 or any(day > month for day in running):
        last = max(running)
        window = [cost for day, cost in days.items() if last - timedelta(days=MEAN_DAYS) < day <= last]
        rest = (end - last).days - 1
        cost = sum(running.values(), Decimal(0)) + sum(window, Decimal(0)) / MEAN_DAYS * rest
        return Forecast(
            month,
            currency,
            cost,
            f"What is known up to {last:%Y-%m-%d}, then every day like the mean of the {MEAN_DAYS} days before.",
        )
    sums: dict[date, Decimal] = defaultdict(Decimal)
    for day, cost in days.items():
        if day < month:
            sums[day.replace(day=1)] += cost
    if not sums:
        return Forecast(month, currency, sum(running.values(), Decimal(0)), "What is known of the month so far.")
    named = ", ".join(f"{one:%Y-%m}" for one in sorted(sums))
    return Forecast(month, currency, sum(sums.values(), Decimal(0)) / len(sums), f"The mean of {named}.")


def _bills(actor: Actor, workspace: Workspace) -> _Bills:
    with looking(actor, workspace, "costs.look") as session:
        rows = [row for row in known_bills(session, scope_of(actor, workspace)) if row.state == "read" and row.summary]
    folder = workspace.settings.costs
    # Somebody may have emptied the folder: the next reading of bills fills it again.
    rows = [row for row in rows if (folder / row.summary).exists()]
    return _Bills(rows, folder, left_out(rows, folder), f"{folder}:{fingerprint(rows)}")


def _there(find: Callable[[], Answer]) -> Answer:
    """A file that is read anew while it is asked for moves: look once more."""
    try:
        return find()
    except FileNotFoundError:
        return find()


def _asked(
    bills: _Bills, kind: str, query: CostQuery, find: Callable[[_Bills, CostQuery], pl.DataFrame]
) -> pl.DataFrame:
    """An answer, remembered until the files change: a screen asks the same again with every click."""
    key = (bills.print, kind, query.model_dump_json())
    if (answer := _remembered().get(key)) is None:
        memory = _remembered()
        if len(memory) >= REMEMBERED:
            memory.clear()
        answer = memory[key] = find(bills, query)
    return answer


REMEMBERED = 128
_AMOUNT = pl.Decimal(38, SCALE)
_SUMS = {*(field.value for field in SUMMED_BY), Field.COST.value, Field.QUANTITY.value}
_KINDS: dict[str, pl.DataType] = {
    one.value: pl.Date() if one in DATES else _AMOUNT if one in AMOUNTS else pl.String() for one in Field
}


@lru_cache(maxsize=1)
def _remembered() -> dict[tuple[str, str, str], pl.DataFrame]:
    return {}


def _has_lines(bills: _Bills, row: BillObject) -> bool:
    return bool(row.file) and (bills.folder / row.file).exists()


def _frames(bills: _Bills, query: CostQuery) -> list[tuple[BillObject, pl.LazyFrame]]:
    """The sums of each file that a query counts, or its lines where the query asks for what the sums do not tell. A
    file whose lines are still to be kept then tells nothing of that, and is counted all the same."""
    if {*query.where, *query.by} <= {*_SUMS, "month"}:
        return _read(bills, query, lambda row: pl.scan_parquet(bills.folder / row.summary, hive_partitioning=False))

    def one_by_one(row: BillObject) -> pl.LazyFrame:
        if _has_lines(bills, row):
            lines = pl.scan_parquet(bills.folder / row.file, hive_partitioning=False)
            return lines.with_columns(pl.lit(1, pl.Int64).alias(SUMMED_LINES)).select(*_KINDS, SUMMED_LINES)
        sums = pl.scan_parquet(bills.folder / row.summary, hive_partitioning=False)
        untold = [
            pl.lit("", kind).alias(name) if kind == pl.String() else pl.lit(None, kind).alias(name)
            for name, kind in _KINDS.items()
            if name not in _SUMS
        ]
        return sums.with_columns(untold).select(*_KINDS, SUMMED_LINES)

    return _read(bills, query, one_by_one)


def _lines(bills: _Bills, query: CostQuery) -> list[tuple[BillObject, pl.LazyFrame]]:
    """The lines of each file that a query counts, as far as they are kept."""
    kept = replace(bills, rows=[row for row in bills.rows if _has_lines(bills, row)])
    return _read(kept, query, lambda row: pl.scan_parquet(bills.folder / row.file, hive_partitioning=False))


def _read(
    bills: _Bills, query: CostQuery, open_: Callable[[BillObject], pl.LazyFrame]
) -> list[tuple[BillObject, pl.LazyFrame]]:
    """What a query counts of each file, without the days that are left out."""
    accounts = query.where.get(Field.ACCOUNT)
    found = []
    for row in bills.rows:
        if not row.first_day or not row.last_day or row.first_day >= query.until or row.last_day < query.since:
            continue
        if accounts and not set(accounts) & set(row.accounts):
            continue
        frame = open_(row)
        without = bills.without.filter(pl.col("id") == row.id)
        if len(without):
            frame = frame.join(without.lazy().select("account", "day"), on=["account", "day"], how="anti")
        found.append((row, frame.filter(_wanted(query))))
    return found


def _wanted(query: CostQuery) -> pl.Expr:
    day = pl.col(Field.DAY)
    wanted = (day >= query.since) & (day < query.until)
    for field, chosen in query.where.items():
        wanted &= pl.col(field.value).is_in(list(chosen))
    return wanted


def _costs(bills: _Bills, query: CostQuery) -> pl.DataFrame:
    frames = [frame for _, frame in _frames(bills, query)]
    by = [*query.by, Field.CURRENCY.value]
    kinds: dict[str, pl.DataType] = {name: pl.Date() if name == "day" else pl.String() for name in by}
    if not frames:
        return pl.DataFrame(schema=kinds | {"cost": _AMOUNT, "quantity": _AMOUNT, SUMMED_LINES: pl.Int64()})
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


def _by_file(bills: _Bills, query: CostQuery) -> pl.DataFrame:
    frames = [frame.with_columns(id=pl.lit(row.id)) for row, frame in _frames(bills, query)]
    if not frames:
        return pl.DataFrame()
    return (
        pl.concat(frames)
        .group_by("id", Field.CURRENCY)
        .agg(pl.col(Field.COST).sum(), pl.col(SUMMED_LINES).sum())
        .sort("cost", "id", descending=[True, False])
        .collect(engine="streaming")
    )


def _left_out(bills: _Bills) -> list[LeftOut]:
    by_id = {row.id: row for row in bills.rows}
    found = []
    for (id, kept), days in sorted(bills.without.group_by("id", "kept"), key=lambda one: by_id[str(one[0][0])].key):
        row, instead = by_id[str(id)], by_id[str(kept)]
        sums = (
            pl.scan_parquet(bills.folder / row.summary, hive_partitioning=False)
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
