"""Costs of a period beside those of the period before."""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from heapq import nlargest

import polars as pl

from core.domain.actor import Actor
from core.domain.costs import By, CostQuery, previous_period
from core.services.costs import costs
from core.services.rights import use_case
from core.services.workspace import Workspace

_NOTHING = (Decimal(0), Decimal(0))
REMEMBERED = 2
"""So many comparisons stay in memory: a screen asks for the same with every click. Each is known by its two answers,
which are the same objects as long as the files do not change; they are kept with it."""


@dataclass(frozen=True)
class ComparedRow:
    """Costs of one value, such as a service, in one currency: of the period, and of the one before (`before`)."""

    value: str
    currency: str
    cost: Decimal
    before: Decimal

    @property
    def change(self) -> Decimal:
        """By how much it costs more than before."""
        return self.cost - self.before


@dataclass(frozen=True)
class Step:
    """Costs of one value in one step of time: `step` is a month (`2026-10`) or a day (`2026-10-31`)."""

    step: str
    value: str
    currency: str
    cost: Decimal


@dataclass(frozen=True, eq=False)
class Compared:
    """The costs of a period: `rows` by value, the highest first, and `steps` by time and value. The rows' costs are the
    sums of the steps'. Currencies stand side by side and are never added. It is equal to itself alone, so that what is
    made of it can be remembered with it."""

    rows: list[ComparedRow]
    steps: list[Step]

    @property
    def currencies(self) -> list[str]:
        """Those that occur."""
        return sorted(self._totals)

    def total(self, currency: str) -> Decimal:
        """What the period cost."""
        return self._totals.get(currency, _NOTHING)[0]

    def total_before(self, currency: str) -> Decimal:
        """What the period before cost."""
        return self._totals.get(currency, _NOTHING)[1]

    def movers(self, currency: str, most: int = 5) -> list[ComparedRow]:
        """The values whose costs changed most, up or down."""
        rows = (row for row in self.rows if row.currency == currency and row.change)
        return nlargest(most, rows, key=lambda row: abs(row.change))

    @cached_property
    def _totals(self) -> dict[str, tuple[Decimal, Decimal]]:
        sums: dict[str, tuple[Decimal, Decimal]] = {}
        for row in self.rows:
            cost, before = sums.get(row.currency, _NOTHING)
            sums[row.currency] = (cost + row.cost, before + row.before)
        return sums


_memory: dict[tuple[int, int, By, By], tuple[pl.DataFrame, pl.DataFrame, Compared]] = {}


@use_case
def compare(actor: Actor, workspace: Workspace, query: CostQuery, split: By, step: By) -> Compared:
    """The costs of a query's period by `split` and, over time, by `step` (`month` or `day`); `query.by` is not used.

    Raises StoreError when the store cannot be read."""
    present = costs(actor, workspace, query.model_copy(update={"by": tuple(dict.fromkeys((step, split)))}))
    since, until = previous_period(query.since, query.until)
    earlier = costs(actor, workspace, query.model_copy(update={"by": (split,), "since": since, "until": until}))
    key = (id(present), id(earlier), split, step)
    if (known := _memory.get(key)) is None:
        if len(_memory) >= REMEMBERED:
            _memory.clear()
        known = _memory[key] = (present, earlier, _compared(present, earlier, split, step))
    return known[2]


def _compared(present: pl.DataFrame, earlier: pl.DataFrame, split: By, step: By) -> Compared:
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    steps = []
    columns = (present[name].to_list() for name in (step, split, "currency", "cost"))
    for when, what, currency, cost in zip(*columns, strict=True):
        sums[str(what), currency] += cost
        steps.append(Step(str(when), str(what), currency, cost))
    # A month or a day is not compared with itself a period ago: it has no namesake there.
    timely = split in {"month", "day"}
    before = (
        {} if timely else {(str(row[split]), row["currency"]): row["cost"] for row in earlier.iter_rows(named=True)}
    )
    rows = [
        ComparedRow(key[0], key[1], sums.get(key, Decimal(0)), before.get(key, Decimal(0)))
        for key in sums.keys() | before.keys()
    ]
    order = (
        sorted(rows, key=lambda row: (row.value,)) if timely else sorted(rows, key=lambda row: (-row.cost, row.value))
    )
    return Compared(order, sorted(steps, key=lambda one: (one.step, one.value)))
