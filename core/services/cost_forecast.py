"""What the running month will cost, by what is known of it and of the months before."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from core.domain.actor import Actor
from core.domain.costs import CostQuery, months_later, next_month
from core.services.costs import costs
from core.services.rights import use_case
from core.services.workspace import Workspace
from core.store.columns import now

MEAN_DAYS = 14
"""So many last known days make the mean that a forecast goes on with."""
MEAN_MONTHS = 3
"""So many full months make the mean for a month of which nothing is known."""


@dataclass(frozen=True)
class Forecast:
    """What the running month will cost in one currency, and how that was found."""

    month: date
    currency: str
    cost: Decimal
    method: str


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
