"""The same costs delivered twice, as in a corrected bill or in a day's file inside a month's: counted once.

What is compared are an account's days. For a day that two files tell about, their sums by Region, service, category,
type, operation and currency are held against each other. It is the same delivery when at least half of the sums that
both have agree in cost or in quantity. Then the older file's day is left out, unless the newer one lacks some of it and
adds nothing: a part of a day does not stand for the whole. Files that share no figures, such as the parts of one
export, are both counted."""

from collections import defaultdict
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from threading import Lock

import polars as pl

from core.domain.bill_lines import Field
from core.store.tables.bills import BillObject

SAME = 0.5
"""Part of the sums that both have which must agree."""
WITHIN = 0.9
"""Part of a day's sums that the other one must have too, to stand for it."""
LEFT_OUT = {"id": pl.String(), "account": pl.String(), "day": pl.Date(), "kept": pl.String()}
"""Columns: the file whose day is left out, the account, the day, and the file that stands for it."""

_WHAT = [
    Field.ACCOUNT.value,
    Field.DAY.value,
    Field.REGION.value,
    Field.SERVICE.value,
    Field.CATEGORY.value,
    Field.TYPE.value,
    Field.OPERATION.value,
    Field.CURRENCY.value,
]
_SLICE = [Field.ACCOUNT.value, Field.DAY.value]
_finding = Lock()


def fingerprint(rows: Iterable[BillObject]) -> str:
    """Stands for these files as they were read: another one means that answers must be found again."""
    told = sorted((row.id, row.etag, row.understood, row.file, row.summary) for row in rows)
    return sha256(repr(told).encode()).hexdigest()[:32]


def left_out(rows: list[BillObject], folder: Path) -> pl.DataFrame:
    """The days of files that are not counted, in the columns of `LEFT_OUT`. `folder`: where the files' sums are, and
    where the answer is remembered until the files change.

    Raises OSError when the folder cannot be used."""
    path = folder / "left_out" / f"{fingerprint(rows)}.parquet"
    with _finding:
        if not path.exists():
            found = _find(rows, folder)
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            for old in path.parent.glob("*"):
                old.unlink(missing_ok=True)
            draft = path.with_suffix(".new")
            found.write_parquet(draft)
            draft.replace(path)
            return found
        return pl.read_parquet(path)


def _find(rows: list[BillObject], folder: Path) -> pl.DataFrame:
    touching = _touching(rows)
    if not touching:
        return pl.DataFrame(schema=LEFT_OUT)
    sums = pl.concat([_sums(row, folder) for row in touching])
    both = sums.group_by(_SLICE).agg(pl.col("id").n_unique().alias("files")).filter(pl.col("files") > 1)
    sums = sums.join(both.select(_SLICE), on=_SLICE)
    sizes = {
        tuple(row): count
        for *row, count in sums.group_by([*_SLICE, "id"]).agg(pl.len()).select([*_SLICE, "id", "len"]).iter_rows()
    }
    rank = {row.id: place for place, row in enumerate(sorted(touching, key=_newest_first))}
    ranked = sums.with_columns(rank=pl.col("id").replace_strict(rank, return_dtype=pl.Int64))
    agrees = (pl.col("cost") == pl.col("cost_other")) | (pl.col("quantity") == pl.col("quantity_other"))
    pairs = (
        ranked.join(ranked, on=_WHAT, suffix="_other", nulls_equal=True)
        .filter(pl.col("rank") < pl.col("rank_other"))
        .group_by([*_SLICE, "id", "id_other", "rank", "rank_other"])
        .agg(pl.len().alias("shared"), agrees.fill_null(value=False).sum().alias("same"))
        .filter(pl.col("same") >= SAME * pl.col("shared"))
        .sort([*_SLICE, "rank", "rank_other"])
    )
    out: dict[tuple[object, object, str], str] = {}
    for row in pairs.iter_rows(named=True):
        place = (row["account"], row["day"])
        newer, older = row["id"], row["id_other"]
        if (*place, newer) in out or (*place, older) in out:
            continue
        if row["shared"] >= WITHIN * sizes[*place, older]:
            out[*place, older] = newer
        elif row["shared"] >= WITHIN * sizes[*place, newer]:
            out[*place, newer] = older
    return pl.DataFrame(
        [(id, account, day, kept) for (account, day, id), kept in out.items()], schema=LEFT_OUT, orient="row"
    )


def _sums(row: BillObject, folder: Path) -> pl.DataFrame:
    """Without what costs nothing and is nothing: two of those always agree."""
    cost, quantity = pl.col("cost"), pl.col("quantity")
    return (
        pl.scan_parquet(folder / row.summary, hive_partitioning=False)
        .group_by(_WHAT)
        .agg(cost.sum(), pl.when(quantity.count() > 0).then(quantity.sum()).alias("quantity"))
        .filter((cost != 0) | (quantity != 0))
        .with_columns(id=pl.lit(row.id))
        .collect(engine="streaming")
    )


def _touching(rows: list[BillObject]) -> list[BillObject]:
    """Those that have an account and a day's span in common with another one."""
    by_account: dict[str, list[BillObject]] = defaultdict(list)
    for row in rows:
        for account in row.accounts:
            by_account[account].append(row)
    found: dict[str, BillObject] = {}
    for those in by_account.values():
        last: BillObject | None = None
        for row in sorted(those, key=lambda one: (one.first_day, one.last_day)):
            if last and row.first_day and last.last_day and row.first_day <= last.last_day:
                found[last.id], found[row.id] = last, row
            if last is None or (row.last_day and last.last_day and row.last_day > last.last_day):
                last = row
    return list(found.values())


def _newest_first(row: BillObject) -> tuple[float, int, str]:
    """Of two delivered at the same moment, the one with more days."""
    days = (row.last_day - row.first_day).days if row.first_day and row.last_day else 0
    return -row.modified.timestamp(), -days, row.key
