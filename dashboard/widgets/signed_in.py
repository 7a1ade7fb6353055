"""Who is signed in, and the ways out; stands in the sidebar."""

import streamlit as st

from core.services.people import end_own_sessions, sign_out
from core.services.sign_in import SignedIn
from dashboard.session import workspace
from dashboard.widgets.text import local, safe


def show_signed_in(who: SignedIn) -> None:
    """The person's name, with a menu to sign out."""
    label = f"{safe(who.actor.name)} · {who.actor.role.value}"
    with st.sidebar.popover(label, icon=":material/account_circle:", width="stretch"):
        st.caption(f"Signed in {local(who.begun)}, until {local(who.ends)}.")
        if st.button("Sign out", icon=":material/logout:", width="stretch", key="signed_in.out"):
            sign_out(who.actor, workspace(), who.id)
            _leave()
        if st.button(
            "Sign out everywhere",
            icon=":material/phonelink_erase:",
            width="stretch",
            help="Ends all your sessions, in every browser.",
            key="signed_in.everywhere",
        ):
            end_own_sessions(who.actor, workspace(), who.id)
            _leave()


def _leave() -> None:
    st.logout()
    st.stop()  # the screen would find nobody in, and begin anew before the browser has left
