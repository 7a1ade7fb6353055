"""Home: what needs attention, each line with the way to where it is mended."""

import streamlit as st

from core.services.attention import Attention, Kind, refresh_keys
from dashboard.session import actor, may, workspace
from dashboard.widgets import job
from dashboard.widgets.leads import lead
from dashboard.widgets.text import safe

JOB = "home.read"
_FIRST = 4
_MOST = 10
_READ_HELP = "Ask OUTSCALE for the keys of every account that a stored key opens, and for their last use."
_KINDS = {
    Kind.LOST: ("red", "key_off", "Lost"),
    Kind.INACTIVE: ("red", "pause_circle", "Inactive"),
    Kind.EXPIRED: ("red", "event_busy", "Expired"),
    Kind.CREDENTIALS: ("red", "error", "Error"),
    Kind.UNTAKEN: ("orange", "lock_clock", "Not taken"),
    Kind.EXPIRING: ("orange", "schedule", "Expires soon"),
    Kind.ROTATION: ("orange", "sync_problem", "Rotation"),
    Kind.UNREAD: ("orange", "cloud_off", "Not read"),
    Kind.COST: ("orange", "trending_up", "Costs"),
    Kind.REQUEST: ("orange", "mark_email_unread", "No answer"),
    Kind.UNUSED: ("gray", "bedtime", "Unused"),
    Kind.OLD: ("gray", "history", "Old"),
}


def show_attention(lines: list[Attention]) -> None:
    """Show what needs attention, the most urgent as they are given; the first few, and the others folded away."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        st.subheader("Needs attention", width="content")
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
    colour, icon, word = _KINDS[line.kind]
    account = f" Account {line.account_id}, {line.region}." if line.account_id else ""
    with st.container(border=True):
        state, text, way = st.columns([1.3, 5, 1.8], vertical_alignment="center")
        state.markdown(f":{colour}-badge[:material/{icon}: {word}]")
        text.markdown(f"**{safe(line.subject)}** {safe(line.what)}")
        text.caption(f"{safe(line.mend)}{safe(account)}")
        with way:
            lead(line)
