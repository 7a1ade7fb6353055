"""Home: what needs attention, each line with the way to where it is mended."""

import streamlit as st

from core.services.attention import Attention, Kind, refresh_keys
from dashboard.session import actor, may, workspace
from dashboard.widgets import job
from dashboard.widgets.leads import lead
from dashboard.widgets.states import bad, doubtful, neutral
from dashboard.widgets.text import safe

JOB = "home.read"
_FIRST = 4
_MOST = 10
_READ_HELP = "Ask OUTSCALE for the keys of every account that a stored key opens, and for their last use."
_KINDS = {
    Kind.LOST: bad("Lost", "key_off"),
    Kind.INACTIVE: bad("Inactive", "pause_circle"),
    Kind.EXPIRED: bad("Expired", "event_busy"),
    Kind.CREDENTIALS: bad("Error", "error"),
    Kind.UNTAKEN: doubtful("Not taken", "lock_clock"),
    Kind.EXPIRING: doubtful("Expires soon", "schedule"),
    Kind.ROTATION: doubtful("Rotation", "sync_problem"),
    Kind.UNREAD: doubtful("Not read", "cloud_off"),
    Kind.COST: doubtful("Costs", "trending_up"),
    Kind.REQUEST: doubtful("No answer", "mark_email_unread"),
    Kind.UNUSED: neutral("Unused", "bedtime"),
    Kind.OLD: neutral("Old", "history"),
}


def show_attention(lines: list[Attention]) -> None:
    """Show what needs attention, the most urgent as they are given; the first few, and the others folded away."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        st.header("Needs attention", width="content")
        if may("attention.refresh_keys") and st.button(
            "Read keys", icon=":material/refresh:", disabled=job.running(JOB), help=_READ_HELP
        ):
            who, opened = actor(), workspace()
            job.begin(JOB, lambda _, stop: refresh_keys(who, opened, stop))
            st.rerun()
    job.watch(JOB)
    if not lines:
        st.success("Nothing needs attention.", icon=":material/check_circle:")
    for line in lines[:_FIRST]:
        _line(line)
    if len(lines) > _FIRST:
        with st.expander(f"{len(lines) - _FIRST} more", icon=":material/unfold_more:"):
            for line in lines[_FIRST:_MOST]:
                _line(line)
            if len(lines) > _MOST:
                st.caption(f"And {len(lines) - _MOST} more. All of them: `onboarding keys audit`")


def _line(line: Attention) -> None:
    account = f" Account {line.account_id}, {line.region}." if line.account_id else ""
    with st.container(border=True):
        state, text, way = st.columns([1.3, 5, 1.8], vertical_alignment="center")
        state.markdown(_KINDS[line.kind].badge)
        text.markdown(f"**{safe(line.subject)}** {safe(line.what)}")
        text.caption(f"{safe(line.mend)}{safe(account)}")
        with way:
            lead(line)
