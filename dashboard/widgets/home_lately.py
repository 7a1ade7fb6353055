"""Home: what happened lately."""

import streamlit as st

from core.services.lately import Happening
from dashboard.navigation import ACTIVITY, go, sees
from dashboard.widgets.states import ENDINGS
from dashboard.widgets.text import local, safe


def show_lately(happened: list[Happening]) -> None:
    """Show what happened, the newest first as it is given, and the way to the whole trail."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        st.header("Happened lately", width="content")
        if sees(ACTIVITY) and st.button(ACTIVITY.title, icon=ACTIVITY.icon, key="home.lately", type="tertiary"):
            go(ACTIVITY)
    if not happened:
        st.caption("Nothing yet.")
        return
    with st.container(border=True, gap="xsmall"):
        for one in happened:
            more = f", and {one.more} more like it" if one.more else ""
            with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
                st.markdown(f"{ENDINGS[one.outcome].mark} **{safe(one.who)}** {safe(one.what)}{more}.", width="content")
                st.caption(local(one.at), width="content")
