"""Costs of a period beside those of the period before."""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from core.domain.actor import Actor
from core.domain.costs import By, CostQuery, previous_period
from core.services.costs import costs
from core.services.rights import use_case
from core.services.workspace import Workspace


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


@dataclass(frozen=True)
class Compared:
    """The costs of a period: `rows` by value, the highest first, and `steps` by time and value. The rows' costs are the
    sums of the steps'. Currencies stand side by side and are never added."""

    rows: list[ComparedRow]
    steps: list[Step]

    @property
    def currencies(self) -> list[str]:
        """Those that occur."""
        return sorted({row.currency for row in self.rows})

    def total(self, currency: str) -> Decimal:
        """What the period cost."""
        return sum((row.cost for row in self.rows if row.currency == currency), Decimal(0))

    def total_before(self, currency: str) -> Decimal:
        """What the period before cost."""
        return sum((row.before for row in self.rows if row.currency == currency), Decimal(0))

    def movers(self, currency: str, most: int = 5) -> list[ComparedRow]:
        """The values whose costs changed most, up or down."""
        rows = [row for row in self.rows if row.currency == currency and row.change]
        return sorted(rows, key=lambda row: -abs(row.change))[:most]


@use_case
def compare(actor: Actor, workspace: Workspace, query: CostQuery, split: By, step: By) -> Compared:
    """The costs of a query's period by `split` and, over time, by `step` (`month` or `day`); `query.by` is not used.

    Raises StoreError when the store cannot be read."""
    present = costs(actor, workspace, query.model_copy(update={"by": tuple(dict.fromkeys((step, split)))}))
    since, until = previous_period(query.since, query.until)
    earlier = costs(actor, workspace, query.model_copy(update={"by": (split,), "since": since, "until": until}))
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    steps = []
    for row in present.iter_rows(named=True):
        value = str(row[split])
        sums[value, row["currency"]] += row["cost"]
        steps.append(Step(str(row[step]), value, row["currency"], row["cost"]))
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
