"""Home: figures and trends of what is stored."""

from collections.abc import Callable
from typing import Any, Literal

import streamlit as st

from core.domain.amounts import money
from core.domain.costs import months_later
from core.services.cost_trend import CostTrend
from core.services.overview import Overview
from dashboard.navigation import ACCOUNTS, sees
from dashboard.session import may

Colour = Literal["off", "green", "orange", "red"]
CURRENCIES_SHOWN = 2
_OFF: Colour = "off"
_GREEN: Colour = "green"
_ORANGE: Colour = "orange"
_RED: Colour = "red"


def show_figures(known: Overview, costs: list[CostTrend]) -> None:
    """Show a figure for each thing that there is any of: counts in a first row, what has a trend in a second."""
    counts: list[Callable[[Overview], None]] = [_credentials]
    if sees(ACCOUNTS) and known.accounts:
        counts.append(lambda known: _metric("Accounts", known.accounts))
    if may("seen.seen_keys") and known.keys:
        counts.append(_keys)
    for column, show in zip(st.columns(len(counts)), counts, strict=True):
        with column:
            show(known)
    if not known.bills:
        return
    shown = costs[:CURRENCIES_SHOWN]
    columns = st.columns(1 + max(1, len(shown)))
    with columns[0]:
        _bills(known)
    for column, trend in zip(columns[1:], shown, strict=False):
        with column:
            _costs(trend)


def _metric(label: str, value: int | str, delta: str | None = None, colour: Colour = "off", **more: Any) -> None:
    arrow = more.pop("delta_arrow", "off")
    st.metric(label, value, delta, delta_color=colour, delta_arrow=arrow, border=True, height="stretch", **more)


def _credentials(known: Overview) -> None:
    said, colour = f"{known.passed} passed their last check", _OFF
    if known.failed:
        said, colour = f"{known.failed} failed the last check", _RED
    elif known.passed == known.credentials:
        said, colour = "all passed their last check", _GREEN
    _metric("Credentials", known.credentials, said, colour)


def _keys(known: Overview) -> None:
    _metric(
        "Keys that expire soon",
        known.expiring,
        f"next on {known.next_expiry:%Y-%m-%d}" if known.next_expiry else f"of {known.keys} listed",
        _ORANGE if known.expiring else _OFF,
        help="As OUTSCALE listed them last. The policy says what soon is.",
    )


def _bills(known: Overview) -> None:
    _metric(
        "Bills read",
        known.bills,
        f"up to {known.newest_bill:%Y-%m-%d}" if known.newest_bill else None,
        chart_data=known.bills_by_month,
        chart_type="bar",
        help="Bill files, and how many there are of each of the last twelve months.",
    )


def _costs(trend: CostTrend) -> None:
    running = trend.expected != trend.cost
    change = None
    if trend.change is not None:
        before = months_later(trend.month, -1)
        change = f"{trend.change:+.0%} {'expected, ' if running else ''}against {before:%B}"
    _metric(
        f"Costs of {trend.month:%B %Y}{', so far' if running else ''}",
        money(trend.cost, trend.currency),
        change,
        delta_arrow="auto",
        chart_data=[float(one) for one in trend.sums],
        chart_type="bar",
        help="By the bills that were read, each currency for itself, with the months before.",
    )
