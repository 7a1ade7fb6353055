"""Home: what is stored, what needs attention, and the ways to begin."""

import streamlit as st

from core.services.attention import Attention, Kind, attention, by_urgency, refresh_keys
from core.services.credentials import list_credentials
from core.services.views import CredentialsView
from dashboard.navigation import (
    ACCESS_KEYS,
    ACCOUNTS,
    ACTIVITY,
    ADD_CREDENTIALS,
    BILLING_BUCKETS,
    Screen,
    go,
    sees,
)
from dashboard.session import actor, may, regions, workspace
from dashboard.widgets import job
from dashboard.widgets.leads import lead
from dashboard.widgets.text import safe

JOB = "home.read"
UNREAD = "home.unread"
STEPS = {
    "access_keys.create_key": (
        ACCESS_KEYS,
        "Get an access key",
        "Confirm an account's password, see its keys, create a new one.",
    ),
    "onboarding.add_credentials": (
        ADD_CREDENTIALS,
        "Add credentials",
        "Every key, Region, proxy and bucket is checked before it is stored.",
    ),
    "preview.preview": (BILLING_BUCKETS, "Browse the bills", "Walk the billing buckets, preview and download files."),
    "audit.list_trail": (ACTIVITY, "See what was done", "By whom, from where, and whether the record of it is whole."),
}
"""Where to go, by what one must be able to do there. The first three are shown."""
_STEPS_SHOWN = 3
_ATTENTION_SHOWN = 10
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


def main() -> None:
    """Show the screen."""
    st.title("OUTSCALE onboarding")
    st.caption("From a cloud account to checked credentials and its bills.")
    rows = list_credentials(actor(), workspace())
    unread = job.finished(JOB)
    if unread is not None:
        st.session_state[UNREAD] = unread
    lines = by_urgency([*st.session_state.get(UNREAD, []), *attention(actor(), workspace())])
    if rows:
        _numbers(rows, lines)
    if rows or lines:
        _attention(lines)
    steps = [step for needed, step in STEPS.items() if may(needed)][:_STEPS_SHOWN]
    st.subheader("Go on" if rows else "Three steps" if len(steps) == _STEPS_SHOWN else "Begin")
    for column, step in zip(st.columns(_STEPS_SHOWN), steps, strict=False):
        with column:
            _step(*step)
    if any(region.sandbox for region in regions().values()) and may("doors.open_with_password"):
        st.caption(
            "The sandbox is running: Sandbox West and Sandbox East behave like OUTSCALE Regions, on this machine only. "
            "Their sign-ins were printed at the start."
        )


def _numbers(rows: list[CredentialsView], lines: list[Attention]) -> None:
    numbers = {
        "Credentials": len(rows),
        "Billing only": sum(row.billing_only for row in rows),
        "Accounts": len({account for row in rows for account in row.accounts}),
        "Need attention": len(lines),
    }
    if not sees(ACCOUNTS):
        del numbers["Accounts"]
    for column, (label, value) in zip(st.columns(len(numbers)), numbers.items(), strict=True):
        column.metric(label, value, border=True)


def _attention(lines: list[Attention]) -> None:
    title, button = st.columns([5, 1], vertical_alignment="bottom")
    title.subheader("Needs attention")
    if may("attention.refresh_keys") and button.button(
        "Read keys", icon=":material/refresh:", width="stretch", disabled=job.running(JOB), help=_READ_HELP
    ):
        who, opened = actor(), workspace()
        job.begin(JOB, lambda _, stop: refresh_keys(who, opened, stop))
        st.rerun()
    job.watch(JOB)
    if not lines:
        st.success("Nothing needs attention.", icon=":material/check_circle:")
    for line in lines[:_ATTENTION_SHOWN]:
        _line(line)
    if len(lines) > _ATTENTION_SHOWN:
        st.caption(f"And {len(lines) - _ATTENTION_SHOWN} more. All of them: `onboarding keys audit`")


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


def _step(screen: Screen, title: str, text: str) -> None:
    with st.container(border=True, height="stretch"):
        st.markdown(f"**{screen.icon} {title}**")
        st.caption(text)
        if st.button(
            screen.title, key=f"home.{screen.file}", type="primary" if screen is ADD_CREDENTIALS else "secondary"
        ):
            go(screen)


main()
