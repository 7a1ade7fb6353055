"""Bill files beside what OUTSCALE tells."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import streamlit as st

from core.domain.amounts import money
from core.domain.bill_lines import Field
from core.domain.costs import months_later, next_month
from core.services.costs import values
from core.services.reconcile import Reconciliation, reconcile
from core.services.signing import signing_keys
from dashboard import address
from dashboard.session import actor, may, regions, workspace
from dashboard.widgets import job
from dashboard.widgets.problems import above
from dashboard.widgets.states import bad, doubtful, good, state_column
from dashboard.widgets.text import money_column, safe

RESULT = "costs.reconciled"
JOB = "costs.reconciling"
_MONTHS = 25
_OUTCOMES = {
    "agreed": good("agreed"),
    "differs": bad("differs", "difference"),
    "only_billed": doubtful("only in the bill", "receipt_long"),
    "only_consumed": doubtful("only at OUTSCALE", "cloud"),
}


def _accounts() -> list[str]:
    return [one for one in values(actor(), workspace(), Field.ACCOUNT) if one]


def _months() -> list[str]:
    this = datetime.now(UTC).date().replace(day=1)
    return [f"{months_later(this, -back):%Y-%m}" for back in range(_MONTHS)]


PARTS = (
    address.one_of("account", "costs.reconcile.account", _accounts),
    address.one_of("region", "costs.reconcile.region", regions),
    address.one_of("month", "costs.reconcile.month", _months),
)


def show_reconciliation(view: address.Part) -> None:
    """Show the question, and its answer. `view`: the part of the address that leads here."""
    st.caption(
        "Holds the bill files of an account and a month against OUTSCALE's own figures: consumption "
        "(ReadConsumptionAccount) times prices (ReadCatalog). Consumption is indicative; only invoices are binding."
    )
    accounts = _accounts()
    if not accounts:
        address.keep((view,))
        st.info("The bills that were read name no account.", icon=":material/search_off:")
        return
    names = list(regions())
    keys = signing_keys(actor(), workspace()) if may("signing.signing_keys") else []
    homes = [key.region for key in keys if key.account_id in accounts]
    home = next((one for one in homes if one in names), names[0])
    months = _months()
    for part, first in zip(PARTS, (accounts[0], home, months[1]), strict=True):
        if st.session_state.get(part.key) is None:
            st.session_state[part.key] = first
    with st.form("costs.reconcile"):
        left, middle, right = st.columns(3)
        account = left.selectbox("Account ID", accounts, key="costs.reconcile.account", persist_state="session")
        region = middle.selectbox(
            "Region", names, key="costs.reconcile.region", persist_state="session", help="Where the account lives."
        )
        month = right.selectbox("Month", months, key="costs.reconcile.month", persist_state="session")
        busy = job.running(JOB)
        asked = st.form_submit_button("Reconcile", type="primary", icon=":material/balance:", disabled=busy)
    address.keep((view, *PARTS))
    if asked:
        since = date.fromisoformat(f"{month}-01")
        until = min(next_month(since), datetime.now(UTC).date() + timedelta(days=1))
        who, opened = actor(), workspace()
        st.session_state.pop(RESULT, None)
        job.begin(JOB, lambda _advance, _stop: reconcile(who, opened, account, region, since, until))
        st.rerun()
    if found := job.finished(JOB):
        st.session_state[RESULT] = found
    job.watch(JOB, stops=False)
    result: Reconciliation | None = st.session_state.get(RESULT)
    if result:
        _result(result)


def _result(result: Reconciliation) -> None:
    st.header(safe(f"{result.account}, {result.since:%Y-%m}"))
    above(result.problem)
    if result.problem:
        return
    for note in result.notes:
        st.info(safe(note), icon=":material/info:")
    for line in result.unpriced:
        st.warning(f"OUTSCALE tells no price: {safe(line)}", icon=":material/money_off:")
    counts = Counter(line.outcome for line in result.lines)
    columns = st.columns(3)
    columns[0].metric("Bill files", money(result.billed, result.currency), border=True)
    columns[1].metric("OUTSCALE", money(result.consumed, result.currency), border=True)
    columns[2].metric("Difference", money(result.billed - result.consumed, result.currency), border=True)
    said = [f"{counts[outcome]} {look.text}" for outcome, look in _OUTCOMES.items() if counts[outcome]]
    st.markdown(" · ".join(said) or "Nothing on either side.")
    if not result.lines:
        return
    lines = result.lines
    st.dataframe(
        pd.DataFrame(
            {
                "Outcome": [_OUTCOMES[line.outcome].word for line in lines],
                "Service": [line.service for line in lines],
                "Type": [line.type for line in lines],
                "Operation": [line.operation for line in lines],
                "Bill": pd.array([_number(line.billed) for line in lines], dtype="Float64"),
                "OUTSCALE": pd.array([_number(line.consumed) for line in lines], dtype="Float64"),
                "Difference": [float(line.difference) for line in lines],
                "Title": [line.title for line in lines],
            }
        ),
        hide_index=True,
        placeholder="",
        alt="Bill and OUTSCALE, line by line",
        column_config={"Outcome": state_column(_OUTCOMES.values())}
        | {"Bill": money_column(), "OUTSCALE": money_column(), "Difference": money_column(change=True)},
    )


def _number(amount: object) -> float | None:
    return None if amount is None else float(str(amount))
