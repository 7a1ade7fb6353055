"""A question about costs, and a budget for them."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict

from core.domain.bill_lines import Field
from core.domain.credentials import FieldProblem

LARGEST_THRESHOLD = 1000
AMOUNT_RULE = "A number above nought with two decimal places at most, such as 1500 or 1500.50."
_CURRENCY = re.compile(r"[A-Z]{3}")
_AMOUNT = re.compile(r"\d{1,12}(\.\d{1,2})?")

By = Literal[
    "month", "day", "service", "account", "paying_account", "region", "category", "type", "operation", "resource"
]
"""What costs can be split by."""


class CostQuery(BaseModel):
    """Which costs, split how. `since` is the first day, `until` the day after the last (UTC). `where`: only lines with
    one of these values. Sums of different currencies are never added: an answer is split by currency always."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    since: date
    until: date
    by: tuple[By, ...] = ("month", "service")
    where: dict[Field, tuple[str, ...]] = {}


class BudgetDraft(BaseModel):
    """A monthly budget as handed in. `scope` says on what: an account (its ID), a service, or the buckets of
    credentials (their name). `threshold`: per cent of the amount from which on costs need attention."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    scope: Literal["account", "service", "credentials"] = "account"
    name: str = ""
    currency: str = "EUR"
    amount: str = ""
    threshold: int = 100


def budget_problems(draft: BudgetDraft) -> list[FieldProblem]:
    """What is wrong with a budget."""
    problems = []
    if not draft.name:
        problems.append(FieldProblem(field="name", what="It is not said on what.", mend="Choose or type it."))
    if not _CURRENCY.fullmatch(draft.currency):
        what = "The currency is not three capital letters."
        problems.append(FieldProblem(field="currency", what=what, mend="Type its ISO code, such as EUR."))
    if budget_amount(draft.amount) is None:
        what = "The amount is not a number above nought."
        problems.append(FieldProblem(field="amount", what=what, mend="Type it like 1500 or 1500.50."))
    if not 1 <= draft.threshold <= LARGEST_THRESHOLD:
        what = f"{draft.threshold} per cent is not possible."
        problems.append(FieldProblem(field="threshold", what=what, mend=f"Choose 1 to {LARGEST_THRESHOLD}."))
    return problems


def budget_amount(text: str) -> Decimal | None:
    """The amount of a budget; None for what is no sum of money above nought, of two decimal places at most."""
    return Decimal(text) if _AMOUNT.fullmatch(text) and Decimal(text) > 0 else None


def previous_period(since: date, until: date) -> tuple[date, date]:
    """The period before: as many months when both ends are the first of a month, else as many days."""
    if since.day == until.day == 1:
        months = (until.year - since.year) * 12 + until.month - since.month
        return months_later(since, -months), since
    return since - (until - since), since


def month_bounds(month: str | None) -> tuple[date, date]:
    """The first day of a month such as `2026-10`, and the day after its last; of the last full month (UTC) for None."""
    if month is None:
        this = datetime.now(UTC).date().replace(day=1)
        return previous_period(this, next_month(this))
    first = date.fromisoformat(f"{month}-01")
    return first, next_month(first)


def next_month(day: date) -> date:
    """The first day of the month after."""
    return months_later(day, 1)


def months_later(day: date, months: int) -> date:
    """The first day of the month so many months after that of `day`, or before it for fewer than none."""
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)
