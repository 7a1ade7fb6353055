"""What is counted of the bill files: their sums and their lines, without the days that were delivered twice."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import polars as pl

from core.bills.lines import SUMMED_LINES
from core.domain.bill_lines import AMOUNTS, DATES, SCALE, SUMMED_BY, Field
from core.domain.costs import CostQuery
from core.services.duplicates import fingerprint, left_out
from core.store.tables.bills import BillObject

REMEMBERED = 128
AMOUNT = pl.Decimal(38, SCALE)
SUMS = {*(field.value for field in SUMMED_BY), Field.COST.value, Field.QUANTITY.value}
"""Fields that the sums of a file tell; its lines tell all."""
KINDS: dict[str, pl.DataType] = {
    one.value: pl.Date() if one in DATES else AMOUNT if one in AMOUNTS else pl.String() for one in Field
}
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class CountedBills:
    """The bill files as they stand, and what of them is left out (in the columns of `duplicates.LEFT_OUT`)."""

    rows: list[BillObject]
    folder: Path
    without: pl.DataFrame
    print: str

    def has_lines(self, row: BillObject) -> bool:
        """Whether the lines of a file are kept yet."""
        return bool(row.file) and (self.folder / row.file).exists()

    def sums(self, row: BillObject) -> pl.LazyFrame:
        """All sums of a file, also those that are left out."""
        return pl.scan_parquet(self.folder / row.summary, hive_partitioning=False)

    def frames(self, query: CostQuery) -> list[tuple[BillObject, pl.LazyFrame]]:
        """The sums of each file that a query counts, or its lines where the query asks for what the sums do not tell. A
        file whose lines are still to be kept then tells nothing of that, and is counted all the same."""
        told = {*query.where, *query.by} <= {*SUMS, "month"}
        return self._counted(query, self.sums if told else self._one_by_one)

    def lines(self, query: CostQuery) -> list[tuple[BillObject, pl.LazyFrame]]:
        """The lines of each file that a query counts, as far as they are kept."""
        kept = replace(self, rows=[row for row in self.rows if self.has_lines(row)])
        return kept._counted(query, kept._lines)

    def remembered(
        self, kind: str, query: CostQuery, find: Callable[["CountedBills", CostQuery], pl.DataFrame]
    ) -> pl.DataFrame:
        """An answer, remembered until the files change: a screen asks the same again with every click."""
        key = (self.print, kind, query.model_dump_json())
        memory = _memory()
        if (answer := memory.get(key)) is None:
            if len(memory) >= REMEMBERED:
                memory.clear()
            answer = memory[key] = find(self, query)
        return answer

    def _lines(self, row: BillObject) -> pl.LazyFrame:
        return pl.scan_parquet(self.folder / row.file, hive_partitioning=False)

    def _one_by_one(self, row: BillObject) -> pl.LazyFrame:
        if self.has_lines(row):
            return self._lines(row).with_columns(pl.lit(1, pl.Int64).alias(SUMMED_LINES)).select(*KINDS, SUMMED_LINES)
        untold = [
            pl.lit("", kind).alias(name) if kind == pl.String() else pl.lit(None, kind).alias(name)
            for name, kind in KINDS.items()
            if name not in SUMS
        ]
        return self.sums(row).with_columns(untold).select(*KINDS, SUMMED_LINES)

    def _counted(
        self, query: CostQuery, open_: Callable[[BillObject], pl.LazyFrame]
    ) -> list[tuple[BillObject, pl.LazyFrame]]:
        """What a query counts of each file, without the days that are left out."""
        accounts = query.where.get(Field.ACCOUNT)
        found = []
        for row in self.rows:
            if not row.first_day or not row.last_day or row.first_day >= query.until or row.last_day < query.since:
                continue
            if accounts and not set(accounts) & set(row.accounts):
                continue
            frame = open_(row)
            without = self.without.filter(pl.col("id") == row.id)
            if len(without):
                frame = frame.join(without.lazy().select("account", "day"), on=["account", "day"], how="anti")
            found.append((row, frame.filter(_wanted(query))))
        return found


def count_bills(rows: list[BillObject], folder: Path) -> CountedBills:
    """What is counted of these files, whose sums and lines are in `folder`.

    Raises OSError when the folder cannot be used."""
    rows = [row for row in rows if row.state == "read" and row.summary]
    # Somebody may have emptied the folder: the next reading of bills fills it again.
    rows = [row for row in rows if (folder / row.summary).exists()]
    return CountedBills(rows, folder, left_out(rows, folder), f"{folder}:{fingerprint(rows)}")


def look_twice(find: Callable[[], Answer]) -> Answer:
    """A file that is read anew while it is asked for moves: look once more."""
    try:
        return find()
    except FileNotFoundError:
        return find()


@lru_cache(maxsize=1)
def _memory() -> dict[tuple[str, str, str], pl.DataFrame]:
    return {}


def _wanted(query: CostQuery) -> pl.Expr:
    day = pl.col(Field.DAY)
    wanted = (day >= query.since) & (day < query.until)
    for field, chosen in query.where.items():
        wanted &= pl.col(field.value).is_in(list(chosen))
    return wanted
