"""A question about costs."""

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict

from core.domain.bill_lines import Field

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
