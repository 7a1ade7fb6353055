"""One account: its data at OUTSCALE, its ways to sign in, its keypairs and events."""

import pandas as pd
import streamlit as st

from core.domain.accounts import DATA_LABELS, PASSWORD_RULE, USED_FOR
from core.domain.credentials import FieldProblem
from core.services.account_data import refresh
from core.services.accounts import (
    AccountDetails,
    Methods,
    methods,
)
from dashboard import address
from dashboard.navigation import ACCESS_KEYS, REQUEST_ACCOUNT, link
from dashboard.session import actor, may, regions, workspace
from dashboard.widgets import keypairs
from dashboard.widgets.account_dialogs import asked, begin
from dashboard.widgets.events import show_events
from dashboard.widgets.facts import show_facts
from dashboard.widgets.problems import above
from dashboard.widgets.text import local, safe

REFUSED = "accounts.refused"
SOURCES = {"hand": "added by hand", "request": "a request", "key": "a key", "credentials": "credentials"}


def show_details(details: AccountDetails) -> None:
    """Show an account with what can be done with it."""
    place = (details.account_id, details.region)
    st.divider()
    st.header(details.account_id)
    region = regions().get(details.region)
    badges = f":blue-badge[:material/public: {safe(str(region or details.region))}]"
    badges += f" :gray-badge[known by {safe(SOURCES.get(details.source, details.source))}]"
    badges += "".join(f" :green-badge[:material/badge: {safe(name)}]" for name in details.credentials)
    st.markdown(badges)
    if details.notes:
        st.caption(safe(details.notes))
    show_facts({"Account ID": details.account_id, "Owner here": details.owner or "nobody"})
    with st.container(horizontal=True, vertical_alignment="center"):
        link(ACCESS_KEYS, "See access keys", {"account": address.named(*place)})
        if may("requests.save_draft"):
            copied = {"copy": address.named(*place)}
            link(REQUEST_ACCOUNT, "Copy to another Region", copied, icon=":material/content_copy:")
        if may("accounts.edit_account") and st.button("Edit", icon=":material/edit:"):
            begin("edit")
        if may("accounts.forget_account") and st.button("Forget", icon=":material/delete:"):
            begin("forget")
    data, ways, pairs, events = st.tabs(["Details", "Authentication methods", "Keypairs", "Events"])
    with data:
        _data(details)
    with ways:
        known = methods(actor(), workspace(), *place)
        if known:
            _methods(known, keypairs.known_count(*place))
    with pairs:
        keypairs.show_keypairs(*place)
    with events:
        show_events(details.events)


def _data(details: AccountDetails) -> None:
    with st.container(horizontal=True):
        if may("account_data.refresh") and st.button(
            "Refresh", icon=":material/refresh:", help="Read it from OUTSCALE, signed by a stored key."
        ):
            _refresh(details)
        if may("account_data.update_account") and st.button(
            "Change at OUTSCALE",
            icon=":material/cloud_upload:",
            disabled=details.read is None,
            help="Refresh first: it shows what OUTSCALE has." if details.read is None else None,
        ):
            begin("update")
    refused: tuple[tuple[str, str], FieldProblem] | None = st.session_state.get(REFUSED)
    if refused and refused[0] == (details.account_id, details.region):
        above(refused[1])
    st.caption(f"Read from OUTSCALE: {local(details.read) or 'never'}")
    shown = {label: details.data[name] for name, label in DATA_LABELS.items() if name in details.data}
    if not shown:
        shown = {"Email": details.email, "Company": details.company}
    st.dataframe(
        pd.DataFrame({"Field": list(shown), "Value": [_value(value) for value in shown.values()]}),
        hide_index=True,
        height=38 + 35 * len(shown),
        alt="What is known about the account",
    )


def _refresh(details: AccountDetails) -> None:
    place = (details.account_id, details.region)
    st.session_state.pop(REFUSED, None)

    def ask() -> list[FieldProblem]:
        problem = refresh(actor(), workspace(), *place)
        return [problem] if problem else []

    if problems := asked(ask):
        st.session_state[REFUSED] = (place, problems[0])
    else:
        st.session_state[keypairs.SAID] = f"{details.account_id} was read from OUTSCALE."
    st.rerun()


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _methods(known: Methods, pairs: int | None) -> None:
    password, keys, ssh = st.columns(3)
    with password.container(border=True, height="stretch"):
        st.markdown(":material/password: **Password**")
        st.caption(USED_FOR["password"])
        confirmed = local(known.password_confirmed)
        st.markdown(f"Last confirmed here: {confirmed}" if confirmed else "Never confirmed here.")
        st.caption(f"OUTSCALE tells nobody how old it is. Its rule: {PASSWORD_RULE}")
    with keys.container(border=True, height="stretch"):
        st.markdown(":material/key: **Access keys**")
        st.caption(USED_FOR["access_keys"])
        if known.keys_seen is None:
            st.markdown("Not read yet: open its access keys.")
        else:
            st.markdown(f"{known.active} active")
            if known.expiring:
                st.markdown(
                    f":orange[:material/schedule: {known.expiring} expire within {known.expires_soon_days} days]"
                )
            st.caption(f"Oldest active one: {local(known.oldest) or 'unknown'} · listed {local(known.keys_seen)}")
    with ssh.container(border=True, height="stretch"):
        st.markdown(":material/terminal: **Keypairs**")
        st.caption(USED_FOR["keypairs"])
        st.markdown("Not read yet: see the tab Keypairs." if pairs is None else f"{pairs} at OUTSCALE")
