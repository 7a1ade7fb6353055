"""Home: what is stored, what needs attention, and the ways to begin."""

import streamlit as st

from core.domain.checks import State
from core.services.credentials import list_credentials
from core.services.views import CredentialsView
from dashboard.navigation import ACCESS_KEYS, ADD_CREDENTIALS, BILLING_BUCKETS, CREDENTIALS, Screen, go
from dashboard.session import actor, workspace
from dashboard.widgets.states import state_badge
from dashboard.widgets.text import local, safe

_ATTENTION_SHOWN = 10


def main() -> None:
    """Show the screen."""
    st.title("OUTSCALE onboarding")
    st.caption("From a cloud account to checked credentials and its bills.")
    rows = list_credentials(actor(), workspace())
    if rows:
        _numbers(rows)
        _attention(rows)
    st.subheader("Three steps" if not rows else "Go on")
    key, add, browse = st.columns(3)
    with key:
        _step(ACCESS_KEYS, "Get an access key", "Confirm an account's password, see its keys, create a new one.")
    with add:
        _step(ADD_CREDENTIALS, "Add credentials", "Every key, Region, proxy and bucket is checked before it is stored.")
    with browse:
        _step(BILLING_BUCKETS, "Browse the bills", "Walk the billing buckets, preview and download files.")
    if any(region.sandbox for region in workspace().regions.values()):
        st.caption(
            "The sandbox is running: Sandbox West and Sandbox East behave like OUTSCALE Regions, on this machine only. "
            "Their sign-ins were printed at the start."
        )


def _numbers(rows: list[CredentialsView]) -> None:
    numbers = {
        "Credentials": len(rows),
        "Billing only": sum(row.billing_only for row in rows),
        "Accounts": len({account for row in rows for account in row.accounts}),
        "Need attention": sum(_needs_attention(row) for row in rows),
    }
    for column, (label, value) in zip(st.columns(len(numbers)), numbers.items(), strict=True):
        column.metric(label, value, border=True)


def _needs_attention(row: CredentialsView) -> bool:
    return row.enabled and row.state in {State.ERROR, State.UNKNOWN}


def _attention(rows: list[CredentialsView]) -> None:
    waiting = [row for row in rows if _needs_attention(row)]
    if not waiting:
        st.success("Every enabled credential passed its last check.", icon=":material/check_circle:")
        return
    st.subheader("Needs attention")
    for row in waiting[:_ATTENTION_SHOWN]:
        st.markdown(f"{state_badge(row.state)} **{safe(row.name)}** · checked {local(row.checked) or 'never'}")
    if len(waiting) > _ATTENTION_SHOWN:
        st.caption(f"And {len(waiting) - _ATTENTION_SHOWN} more.")
    if st.button("See credentials", icon=":material/badge:"):
        go(CREDENTIALS)


def _step(screen: Screen, title: str, text: str) -> None:
    with st.container(border=True, height="stretch"):
        st.markdown(f"**{screen.icon} {title}**")
        st.caption(text)
        if st.button(
            screen.title, key=f"home.{screen.file}", type="primary" if screen is ADD_CREDENTIALS else "secondary"
        ):
            go(screen)


main()
