"""The report of costs: filters, sums beside those of the period before, bars, table, movers, files, exports."""

from datetime import date, timedelta
from functools import partial

import pandas as pd
import streamlit as st

from core.domain.actor import Actor
from core.domain.amounts import code, money
from core.domain.bill_lines import NO_CURRENCY, Field
from core.domain.costs import CostQuery, next_month
from core.services.cost_compare import Compared, ComparedRow, compare
from core.services.cost_export import SUFFIX, CostForm, as_file
from core.services.cost_forecast import forecast
from core.services.costs import list_left_out, without_lines
from core.services.fetched import drop
from core.services.workspace import Workspace
from dashboard import address
from dashboard.session import actor, workspace
from dashboard.widgets import bucket_downloads
from dashboard.widgets.cost_chart import show_bars, show_rows
from dashboard.widgets.cost_files import PARTS as FILE_PARTS
from dashboard.widgets.cost_files import show_drill_down
from dashboard.widgets.cost_filters import DRILLED, SPLITS, Looked, show_filters
from dashboard.widgets.cost_filters import PARTS as FILTERS
from dashboard.widgets.problems import plainly
from dashboard.widgets.text import money_column, safe

_FORMS: dict[str, CostForm] = {"CSV": "csv", "XLSX": "xlsx", "Parquet": "parquet"}


def _line(words: list[str]) -> tuple[str, str]:
    value, currency = words
    return value, currency


PARTS = (*FILTERS, address.Part("line", DRILLED, _line, lambda value: list(value or [])), *FILE_PARTS)


@st.fragment
def show_report(view: address.Part) -> None:
    """Show it. `view`: the part of the address that leads here."""
    with plainly():
        _report(view)


def _report(view: address.Part) -> None:
    looked = show_filters()
    address.keep((view, *PARTS))
    if looked is None:
        return
    compared = compare(actor(), workspace(), looked.query, looked.split, looked.step)
    if not compared.rows:
        st.info("No line that was read is of this period and these filters.", icon=":material/search_off:")
        return
    label = SPLITS[looked.split]
    timely = looked.split in {"month", "day"}
    for currency in compared.currencies:
        if len(compared.currencies) > 1:
            st.header(_currency(currency))
        _numbers(compared, currency, looked)
        show_bars(compared, currency, label)
        show_rows(compared, currency, label, DRILLED, timely=timely)
        if not timely:
            _movers(compared, currency)
    if looked.split == "resource" and (waiting := without_lines(actor(), workspace())):
        st.caption(f"The lines of {waiting} files are still being kept: until then their costs have no resource.")
    _left_out(looked.query)
    _exports(looked)
    drilled: tuple[str, str] | None = st.session_state.get(DRILLED)
    chosen = next((row for row in compared.rows if (row.value, row.currency) == drilled), None)
    if chosen:
        show_drill_down(_narrowed(looked, chosen), chosen.value or f"no {label.lower()}", chosen.currency)
    elif drilled:
        st.info(f"Nothing is told of “{safe(drilled[0])}” with these filters.", icon=":material/search_off:")
    else:
        st.caption("Select a line of the table to see the files and lines that it comes from.")
    address.keep((view, *PARTS))


def _numbers(compared: Compared, currency: str, looked: Looked) -> None:
    total, before = compared.total(currency), compared.total_before(currency)
    change = total - before
    share = f" ({change / before:+.1%})" if before else ""
    columns = st.columns(3)
    columns[0].metric("Cost", money(total, currency), border=True)
    columns[1].metric(
        "The period before",
        money(before, currency),
        delta=f"{money(change, currency)}{share}" if before else None,
        delta_color="inverse",
        border=True,
        help="As many months, or days, just before this period.",
    )
    for one in forecast(actor(), workspace(), looked.query):
        if one.currency == currency:
            columns[2].metric(f"Forecast of {one.month:%Y-%m}", money(one.cost, currency), border=True, help=one.method)
            columns[2].caption(one.method)


def _movers(compared: Compared, currency: str) -> None:
    movers = compared.movers(currency)
    if not movers or not compared.total_before(currency):
        return
    with st.expander("What changed most against the period before", icon=":material/trending_up:"):
        st.dataframe(
            pd.DataFrame(
                {
                    "What": [one.value or "not told" for one in movers],
                    "Change": [float(one.change) for one in movers],
                    "Before": [float(one.before) for one in movers],
                    "Cost": [float(one.cost) for one in movers],
                }
            ),
            hide_index=True,
            alt=f"What changed most in {currency}",
            column_config={
                "Change": money_column(change=True),
                "Before": money_column(),
                "Cost": money_column(),
            },
        )


def _left_out(query: CostQuery) -> None:
    """What is not counted, and why; only what touches the period."""
    found = [one for one in list_left_out(actor(), workspace()) if one.first < query.until and one.last >= query.since]
    if not found:
        return
    days = sum(one.days for one in found)
    with st.expander(
        f"Not counted: {days} {'day' if days == 1 else 'days'} of {len({(one.bucket, one.key) for one in found})} "
        "files that were delivered twice",
        icon=":material/content_copy:",
    ):
        st.dataframe(
            pd.DataFrame(
                {
                    "File": [one.key for one in found],
                    "Days": [f"{one.first} to {one.last} ({one.days})" for one in found],
                    "Accounts": [", ".join(one.accounts) for one in found],
                    "Not counted": [
                        ", ".join(money(cost, currency) for currency, cost in one.sums.items()) for one in found
                    ],
                    "Because they are in": [one.instead for one in found],
                }
            ),
            hide_index=True,
            alt="Days that are not counted twice",
        )
        st.caption("Two files tell the same of a day when most of its sums agree. The newer file counts.")


def _exports(looked: Looked) -> None:
    query = looked.query.model_copy(update={"by": tuple(dict.fromkeys((looked.step, looked.split)))})
    name = f"costs-{query.since}-{query.until - timedelta(days=1)}"
    who, opened = actor(), workspace()
    bucket_downloads.show_downloads()
    with st.popover("Export", icon=":material/download:"):
        for label, form in _FORMS.items():
            st.download_button(
                f"These sums as {label}",
                partial(_bytes, who, opened, query, form, name),
                file_name=name + SUFFIX[form],
                icon=":material/table_view:",
                on_click="ignore",
                key=f"costs.export.{form}",
            )
        if st.button("Every line as FOCUS 1.2", icon=":material/receipt_long:", key="costs.export.focus"):
            bucket_downloads.begin(
                lambda _advance, _stop: as_file(who, opened, query, "focus", name + SUFFIX["focus"]), "files"
            )


def _bytes(who: Actor, opened: Workspace, query: CostQuery, form: CostForm, name: str) -> bytes:
    written = as_file(who, opened, query, form, name)
    if written.path is None:
        raise RuntimeError(str(written.problem))  # Streamlit shows that the download failed
    try:
        return written.path.read_bytes()
    finally:
        drop(written)


def _narrowed(looked: Looked, chosen: ComparedRow) -> CostQuery:
    """The query of one line of the table."""
    if looked.split in {"month", "day"}:
        since = date.fromisoformat(chosen.value if looked.split == "day" else f"{chosen.value}-01")
        until = since + timedelta(days=1) if looked.split == "day" else next_month(since)
        period = {"since": max(since, looked.query.since), "until": min(until, looked.query.until)}
        return looked.query.model_copy(update=period)
    where = looked.query.where | {Field(looked.split): (chosen.value,)}
    return looked.query.model_copy(update={"where": where})


def _currency(currency: str) -> str:
    return "No currency told" if currency == NO_CURRENCY else code(currency)
