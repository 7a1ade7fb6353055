"""Which costs are looked at: the period, the split, and only some accounts, services or Regions."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import streamlit as st

from core.domain.bill_lines import Field
from core.domain.costs import By, CostQuery
from core.services.costs import values
from dashboard import address
from dashboard.session import actor, workspace

SPLITS: dict[By, str] = {
    "service": "Service",
    "account": "Account",
    "region": "Region",
    "category": "Category",
    "type": "Type",
    "operation": "Operation",
    "resource": "Resource",
    "month": "Month",
    "day": "Day",
}
DRILLED = "costs.drilled"
"""Value and currency of the line whose files are shown."""
PERIODS = ("Last month", "3 months", "12 months", "This month", "Other")
LONGEST_BY_DAY = timedelta(days=93)
_FILTERED = {Field.ACCOUNT: "Accounts", Field.SERVICE: "Services", Field.REGION: "Regions"}
PARTS = (
    address.one_of("period", "costs.period", lambda: PERIODS, "12 months"),
    address.days("days", "costs.days"),
    address.one_of("split", "costs.split", lambda: SPLITS, "service"),
    address.several("account", f"costs.{Field.ACCOUNT}", lambda: values(actor(), workspace(), Field.ACCOUNT)),
    address.several("service", f"costs.{Field.SERVICE}", lambda: values(actor(), workspace(), Field.SERVICE)),
    address.several("region", f"costs.{Field.REGION}", lambda: values(actor(), workspace(), Field.REGION)),
)


@dataclass(frozen=True)
class Looked:
    """What is looked at: the query, what its costs are split by, and the steps of time."""

    query: CostQuery
    split: By
    step: By


def show_filters() -> Looked | None:
    """Show the filters. None while the period is not chosen to its end."""
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    period = (
        left.segmented_control(
            "Period",
            PERIODS,
            default="12 months",
            key="costs.period",
            persist_state="session",
            required=True,
            wrap=True,
        )
        or "12 months"
    )
    split: By = right.selectbox(
        "Split by",
        list(SPLITS),
        format_func=lambda one: SPLITS[one],
        key="costs.split",
        persist_state="session",
        on_change=lambda: st.session_state.pop(DRILLED, None),
    )
    found = _other() if period == "Other" else _period(period, datetime.now(ZoneInfo("UTC")).date())
    where: dict[Field, tuple[str, ...]] = {}
    columns = st.columns(len(_FILTERED))
    for column, (field, label) in zip(columns, _FILTERED.items(), strict=True):
        chosen = column.multiselect(
            label,
            values(actor(), workspace(), field),
            key=f"costs.{field}",
            persist_state="session",
            placeholder="All",
            format_func=lambda one: one or "not told",
        )
        if chosen:
            where[field] = tuple(chosen)
    if found is None:
        st.info("Choose the last day of the period too.", icon=":material/date_range:")
        return None
    since, until = found
    step: By = "day" if split == "day" or (until - since <= LONGEST_BY_DAY and split != "month") else "month"
    return Looked(CostQuery(since=since, until=until, where=where), split, step)


def _period(name: str, today: date) -> tuple[date, date]:
    """First day, and the day after the last."""
    this = today.replace(day=1)
    if name == "This month":
        return this, today + timedelta(days=1)
    months = {"Last month": 1, "3 months": 3, "12 months": 12}[name]
    index = this.year * 12 + this.month - 1 - months
    return date(index // 12, index % 12 + 1, 1), this


def _other() -> tuple[date, date] | None:
    chosen = st.date_input("From and to, both included", value=[], key="costs.days", persist_state="session")
    if not isinstance(chosen, tuple) or len(chosen) != 2:
        return None
    return chosen[0], chosen[1] + timedelta(days=1)
