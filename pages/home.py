"""Home: what needs attention, what happened lately, and the ways to begin."""

import streamlit as st

from core.services.attention import attention, by_urgency
from core.services.cost_trend import cost_trend
from core.services.lately import lately
from core.services.overview import overview
from dashboard.navigation import WALKTHROUGH, link
from dashboard.session import actor, may, regions, workspace
from dashboard.widgets import job
from dashboard.widgets.home_attention import JOB, show_attention
from dashboard.widgets.home_figures import show_figures
from dashboard.widgets.home_lately import show_lately
from dashboard.widgets.home_steps import show_first_steps, show_ways_on

UNREAD = "home.unread"


def main() -> None:
    """Show the screen."""
    st.title("OUTSCALE onboarding")
    st.caption("From a cloud account to checked credentials and its bills.")
    known = overview(actor(), workspace())
    unread = job.finished(JOB)
    if unread is not None:
        st.session_state[UNREAD] = unread
    lines = by_urgency([*st.session_state.get(UNREAD, []), *attention(actor(), workspace())])
    if known.credentials or lines:
        show_attention(lines)
    beginning = show_first_steps(known.done)
    if known.credentials:
        st.header("At a glance")
        show_figures(known, cost_trend(actor(), workspace()))
    happened = lately(actor(), workspace())
    if happened:
        show_lately(happened)
    if not beginning:
        show_ways_on()
    if any(region.sandbox for region in regions().values()) and may("doors.open_with_password"):
        st.caption(
            "The sandbox is running: Sandbox West and Sandbox East behave like OUTSCALE Regions, on this machine only. "
            "Their sign-ins were printed at the start."
        )
        link(WALKTHROUGH, "Walk through all of it on the sandbox")


main()
