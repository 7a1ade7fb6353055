"""What costs come to month by month, in one line for each currency."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import and_
from sqlmodel import col, select

from core.domain.actor import Actor
from core.domain.costs import CostQuery, months_later, next_month
from core.services.rights import use_case
from core.services.scope import scope_of
from core.services.use_case import looking
from core.services.workspace import Workspace
from core.store.columns import now
from core.store.tables.bills import BillObject

MONTHS = 12


@dataclass(frozen=True)
class CostTrend:
    """Costs in one currency: of the newest `month` (its first day) that bills tell of, and of those before it, up to
    `MONTHS`, the oldest first (`sums`, with `month`'s at the end; a month without bills counts nought). `expected`:
    what the month will come to while it is running, else what it came to."""

    currency: str
    month: date
    sums: tuple[Decimal, ...]
    expected: Decimal

    @property
    def cost(self) -> Decimal:
        """What the month comes to so far."""
        return self.sums[-1]

    @property
    def change(self) -> Decimal | None:
        """How much more (or less) is expected than the month before came to, as a share of it; None without one."""
        before = self.sums[-2] if len(self.sums) > 1 else Decimal(0)
        return (self.expected - before) / before if before else None


@use_case
def cost_trend(actor: Actor, workspace: Workspace, today: date | None = None) -> list[CostTrend]:
    """The trend of each currency, the largest sum first; empty while no bill was read. `today` (UTC) is for looks at
    another day.

    Raises StoreError when the store cannot be read."""
    with looking(actor, workspace, "costs.trend") as session:
        read = and_(col(BillObject.state) == "read", scope_of(actor, workspace).bills())
        if session.exec(select(BillObject.id).where(read).limit(1)).first() is None:
            return []
    from core.services.cost_forecast import forecast  # noqa: PLC0415 - Polars takes a quarter of a second
    from core.services.costs import costs  # noqa: PLC0415 - as above

    this = (today or now().date()).replace(day=1)
    query = CostQuery(since=months_later(this, -2 * MONTHS), until=next_month(this), by=("month",))
    sums: dict[str, dict[date, Decimal]] = {}
    for row in costs(actor, workspace, query).iter_rows(named=True):
        sums.setdefault(row["currency"], {})[date.fromisoformat(f"{row['month']}-01")] = row["cost"]
    running = {one.currency: one.cost for one in forecast(actor, workspace, query, today)} if sums else {}
    found = []
    for currency, by_month in sums.items():
        month = max(by_month)
        first = max(min(by_month), months_later(month, 1 - MONTHS))
        count = (month.year - first.year) * 12 + month.month - first.month + 1
        months = tuple(by_month.get(months_later(first, step), Decimal(0)) for step in range(count))
        expected = running.get(currency, months[-1]) if month == this else months[-1]
        found.append(CostTrend(currency, month, months, expected))
    return sorted(found, key=lambda one: one.cost, reverse=True)
