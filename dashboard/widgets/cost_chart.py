"""Costs over time as stacked bars, and the same by value as a table."""

from decimal import Decimal
from functools import lru_cache

import altair as alt
import pandas as pd
import streamlit as st

from core.domain.bill_lines import NO_CURRENCY
from core.services.cost_compare import Compared
from dashboard.widgets.rows import choose
from dashboard.widgets.text import money_column

SHOWN = 9
"""So many values have a colour of their own; the rest is one more."""
OTHERS = "the others"
NOT_TOLD = "not told"


def show_bars(compared: Compared, currency: str, label: str) -> None:
    """Show the costs of one currency over time."""
    frame = _over_time(compared, currency)
    chart = (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=alt.X("when:O", title=None, axis=alt.Axis(labelAngle=-45, labelOverlap=True)),
            y=alt.Y("cost:Q", title=currency if currency != NO_CURRENCY else "cost"),
            color=alt.Color("what:N", title=label, legend=alt.Legend(orient="bottom", columns=3)),
            order=alt.Order("what:N"),
            tooltip=[
                alt.Tooltip("when:O", title="When"),
                alt.Tooltip("what:N", title=label),
                alt.Tooltip("cost:Q", title="Cost", format=",.2f"),
            ],
        )
        .properties(height=320)
    )
    st.altair_chart(chart)


@lru_cache(maxsize=4)
def _over_time(compared: Compared, currency: str) -> pd.DataFrame:
    rows = [row for row in compared.rows if row.currency == currency]
    large = {row.value for row in sorted(rows, key=lambda row: -row.cost)[:SHOWN]}
    sums: dict[tuple[str, str], Decimal] = {}
    for step in compared.steps:
        if step.currency == currency:
            key = (step.step, _word(step.value) if step.value in large else OTHERS)
            sums[key] = sums.get(key, Decimal(0)) + step.cost
    return pd.DataFrame(
        [{"when": when, "what": what, "cost": float(cost)} for (when, what), cost in sums.items()],
        columns=["when", "what", "cost"],
    )


def show_rows(compared: Compared, currency: str, label: str, opened: str, *, timely: bool) -> None:
    """Show the costs of one currency by value, and those of the period before unless the values are times. The
    session's state has under `opened` value and currency of the row that is selected."""
    ids, table = _by_value(compared, currency, label)
    choose(
        table.drop(columns=["Before", "Change"]) if timely else table,
        f"costs.table.{label}.{currency}",
        ids,
        opened,
        height=min(38 + 35 * len(ids), 420),
        alt=f"Costs by {label.lower()} in {currency}",
        column_config={
            label: st.column_config.TextColumn(pinned=True),
            "Cost": money_column(),
            "Before": money_column(),
            "Change": money_column(change=True),
        },
    )


@lru_cache(maxsize=4)
def _by_value(compared: Compared, currency: str, label: str) -> tuple[list[tuple[str, str]], pd.DataFrame]:
    """What a row stands for, and the table. A click asks for the same again, of 100,000 resources too."""
    rows = [row for row in compared.rows if row.currency == currency]
    table = pd.DataFrame(
        {
            label: [_word(row.value) for row in rows],
            "Cost": [float(row.cost) for row in rows],
            "Before": [float(row.before) for row in rows],
            "Change": [float(row.change) for row in rows],
        }
    )
    return [(row.value, currency) for row in rows], table


def _word(value: str) -> str:
    return value or NOT_TOLD
