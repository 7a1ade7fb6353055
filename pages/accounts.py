"""Accounts: every known one, found, added, read from a key; its data at OUTSCALE, its ways to sign in, its keypairs."""

import pandas as pd
import streamlit as st

from core.services.accounts import (
    AccountDetails,
    AccountView,
    list_accounts,
    show_account,
)
from dashboard import address
from dashboard.navigation import ACCOUNTS
from dashboard.session import actor, may, workspace
from dashboard.widgets import keypairs
from dashboard.widgets.account_details import SOURCES, show_details
from dashboard.widgets.account_dialogs import OPENED, begin, show_dialogs
from dashboard.widgets.rows import choose
from dashboard.widgets.text import safe, time_column

SEARCH = "accounts.search"
TABLE = "accounts.table"


def main() -> None:
    """Show the screen."""
    st.title("Accounts")
    st.caption(
        "Every account that is known here. An account lives in one Region: a copy in another is another account."
    )
    top = st.container()
    keypairs.show_open()
    rows = list_accounts(actor(), workspace())
    parts = [
        address.text("search", SEARCH),
        address.place("account", OPENED, lambda: [(row.account_id, row.region) for row in rows]),
    ]
    address.arrive(ACCOUNTS, parts)
    if not rows:
        st.info(
            "No account is known yet. Add one by hand, or paste one of its access keys to read it from OUTSCALE.",
            icon=":material/info:",
        )
    _ways_in()
    details = _details_of(_chosen(rows)) if rows else None
    address.keep(parts)
    if not keypairs.show_dialogs():
        show_dialogs(details)
    if said := st.session_state.pop(keypairs.SAID, None):
        # Where it was done, so that it is in sight.
        (st if details else top).success(safe(said), icon=":material/check_circle:")
    if details:
        show_details(details)


def _ways_in() -> None:
    with st.container(horizontal=True):
        if may("accounts.add_account") and st.button("Add by hand", icon=":material/edit_note:"):
            begin("add")
        if may("account_data.read_from_key") and st.button("Read from a key", icon=":material/key:"):
            begin("read")


def _chosen(rows: list[AccountView]) -> tuple[str, str] | None:
    word = st.text_input("Search", type="search", placeholder="Account ID, company, email, owner, Region …", key=SEARCH)
    shown = [row for row in rows if row.matches(word or "")]
    if not shown:
        st.info("No account matches the search.", icon=":material/search_off:")
        return st.session_state.get(OPENED)
    table = pd.DataFrame(
        {
            "Account ID": [row.account_id for row in shown],
            "Region": [row.region for row in shown],
            "Company": [row.company for row in shown],
            "Email": [row.email for row in shown],
            "Owner": [row.owner for row in shown],
            "Used by": [", ".join(row.credentials) for row in shown],
            "Active keys": pd.array([row.active_keys for row in shown], dtype="Int64"),
            "Next expiry": pd.Series([row.next_expiry for row in shown], dtype="datetime64[us, UTC]"),
            "Last check": pd.Series([row.checked for row in shown], dtype="datetime64[us, UTC]"),
            "Read": pd.Series([row.read for row in shown], dtype="datetime64[us, UTC]"),
            "Known by": [SOURCES.get(row.source, row.source) for row in shown],
        }
    )
    times = ("Next expiry", "Last check", "Read")
    choose(
        table,
        TABLE,
        [(row.account_id, row.region) for row in shown],
        OPENED,
        height=min(38 + 35 * len(shown), 420),
        placeholder="",
        alt=f"{len(shown)} known accounts",
        column_config={
            "Account ID": st.column_config.TextColumn(pinned=True),
            "Active keys": st.column_config.NumberColumn(help="Empty: its keys were never listed here."),
            **{name: time_column() for name in times},
        },
    )
    st.caption(f"{len(shown)} of {len(rows)} accounts. Select one for its details.")
    return st.session_state.get(OPENED)


def _details_of(place: tuple[str, str] | None) -> AccountDetails | None:
    return show_account(actor(), workspace(), *place) if place else None


main()
