"""From a sum down to the files and lines that it came from."""

import pandas as pd
import streamlit as st

from core.domain.amounts import money
from core.domain.costs import CostQuery
from core.services.costs import FileShare, files, lines
from dashboard import address
from dashboard.session import actor, workspace
from dashboard.widgets.rows import choose
from dashboard.widgets.text import money_column, safe

PAGE = 200
OPENED = "costs.file"
_PAGE_SHOWN = "costs.lines.page"
PARTS = (address.file("file", OPENED), address.number("page", _PAGE_SHOWN))


def show_drill_down(query: CostQuery, what: str, currency: str) -> None:
    """Show the files that the costs of a query in one currency came from, and the lines of the one that is selected."""
    st.header(f"Where {safe(what)} comes from")
    shares = [one for one in files(actor(), workspace(), query) if one.currency == currency]
    if not shares:
        st.info("No file has a line of it.", icon=":material/search_off:")
        return
    table = pd.DataFrame(
        {
            "File": [one.key for one in shares],
            "Bucket": [one.bucket for one in shares],
            "Cost": [float(one.cost) for one in shares],
            "Lines": [one.lines for one in shares],
        }
    )
    before = st.session_state.get(OPENED)
    chosen = choose(
        table,
        f"costs.files.{what}",
        [(one.region, one.bucket, one.key) for one in shares],
        OPENED,
        height=min(38 + 35 * len(shares), 300),
        alt=f"Files of {what}",
        column_config={"Cost": money_column()},
    )
    if st.session_state.get(OPENED) != before:
        st.session_state[_PAGE_SHOWN] = 1
    if not chosen:
        st.caption(f"{len(shares)} {'file' if len(shares) == 1 else 'files'}. Select one to read its lines.")
        return
    _lines(query, shares[chosen[0]])


def _lines(query: CostQuery, share: FileShare) -> None:
    if not share.kept:
        st.info(
            "Its lines are still being kept. They can be read when the bills are read.", icon=":material/hourglass:"
        )
        return
    pages = -(-share.lines // PAGE)
    page = st.session_state[_PAGE_SHOWN] = min(st.session_state.get(_PAGE_SHOWN, 1), pages)
    if pages > 1:
        page = st.number_input("Page", 1, pages, key=_PAGE_SHOWN, width=160)
    with st.spinner("Reading the lines …"):
        read = lines(actor(), workspace(), query, share, (page - 1) * PAGE, PAGE)
    st.caption(f"{safe(share.key)}: {share.lines} lines, {money(share.cost, share.currency)}")
    st.dataframe(read.to_pandas(), hide_index=True, alt=f"Lines of {share.key}")
