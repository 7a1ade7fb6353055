"""Activity: what was done, by whom, from where, and whether the record of it is whole."""

from datetime import timedelta

import pandas as pd
import streamlit as st

from core.domain.audit import ENDINGS
from core.services.audit import (
    PAGE,
    TrailFilter,
    TrailPage,
    list_trail,
    trail_actions,
    verify_trail,
)
from core.services.audit_check import TrailReport
from core.services.audit_export import TrailForm, trail_file
from dashboard import address
from dashboard.navigation import ACTIVITY
from dashboard.session import actor, workspace
from dashboard.widgets import bucket_downloads, job, states
from dashboard.widgets.problems import plainly
from dashboard.widgets.text import day_begins, time_column

JOB = "activity.verify"
REPORT = "activity.report"
_FORMS: dict[str, TrailForm] = {"CSV": "csv", "JSON Lines": "jsonl"}
_FAULTS_SHOWN = 20
PAGE_SHOWN = "activity.page"
PARTS = (
    address.days("days", "activity.days"),
    address.text("who", "activity.who"),
    address.text("address", "activity.address"),
    address.several("what", "activity.actions", lambda: trail_actions(actor(), workspace())),
    address.text("subject", "activity.subject"),
    address.several("outcome", "activity.outcomes", lambda: ENDINGS),
    address.number("page", PAGE_SHOWN),
)


def main() -> None:
    """Show the screen."""
    st.title("Activity")
    st.caption("Everything that was done, refused or failed. Lines are chained: one that is changed by hand is found.")
    report: TrailReport | None = job.finished(JOB)
    if report:
        st.session_state[REPORT] = report
    address.arrive(ACTIVITY, PARTS)
    wanted = _filters()
    _actions(wanted)
    job.watch(JOB, "lines", "Looking through the trail …")
    _said(st.session_state.get(REPORT))
    bucket_downloads.show_downloads()
    _table(wanted)


def _filters() -> TrailFilter:
    first, second = st.columns(3), st.columns(3)
    days = first[0].date_input("Days", (), key="activity.days", help="The first and the last day. Empty: all.")
    who = first[1].text_input("Who", key="activity.who", placeholder="Anybody")
    address = first[2].text_input("Address", key="activity.address", placeholder="Anywhere")
    actions = second[0].multiselect(
        "What", trail_actions(actor(), workspace()), key="activity.actions", placeholder="Anything"
    )
    subject = second[1].text_input("Subject", key="activity.subject", placeholder="Any name or ID")
    outcomes = second[2].multiselect("Outcome", ENDINGS, key="activity.outcomes", placeholder="Any")
    chosen = days if isinstance(days, tuple) else (days,)
    return TrailFilter(
        since=day_begins(chosen[0]) if chosen else None,
        until=day_begins(chosen[-1] + timedelta(days=1)) if chosen else None,
        actor=who,
        address=address,
        actions=tuple(actions),
        subject=subject,
        outcomes=tuple(outcomes),
    )


def _actions(wanted: TrailFilter) -> None:
    who, opened = actor(), workspace()
    with st.container(horizontal=True):
        if st.button(
            "Verify",
            icon=":material/verified_user:",
            disabled=job.running(JOB),
            help="Look through all lines for some that were altered, removed, inserted or moved.",
        ):
            st.session_state.pop(REPORT, None)
            job.begin(JOB, lambda advance, stop: verify_trail(who, opened, progress=advance, stop=stop))
            st.rerun()
        with st.popover("Export", icon=":material/download:"):
            st.caption("What the filters leave, the oldest first.")
            for label, form in _FORMS.items():
                if st.button(label, key=f"activity.export.{form}", icon=":material/table_view:"):
                    bucket_downloads.begin(
                        lambda _advance, _stop, form=form: trail_file(who, opened, wanted, form, f"activity.{form}"),
                        "files",
                    )


def _said(report: TrailReport | None) -> None:
    if report is None:
        return
    if report.whole:
        st.success(report.summary, icon=":material/verified_user:")
        return
    if report.stopped:
        st.info(report.summary, icon=":material/stop_circle:")
    else:
        st.error(report.summary, icon=":material/gpp_maybe:")
    if not report.faults:
        return
    st.dataframe(
        pd.DataFrame(
            {
                "Line": [fault.id for fault in report.faults],
                "Fault": [fault.kind.value for fault in report.faults],
                "What is wrong": [fault.what for fault in report.faults],
            }
        ),
        hide_index=True,
        height=min(38 + 35 * len(report.faults), 38 + 35 * _FAULTS_SHOWN),
        alt="What is wrong with the trail",
    )
    if report.more:
        st.caption(f"So it is with {report.more:,} more.")


@st.fragment
def _table(wanted: TrailFilter) -> None:
    with plainly():
        _page(wanted)


def _page(wanted: TrailFilter) -> None:
    slot = st.empty()
    number = 1
    found = list_trail(actor(), workspace(), wanted)
    pages = -(-found.total // PAGE)
    if st.session_state.get(PAGE_SHOWN, 1) > pages:
        st.session_state[PAGE_SHOWN] = max(pages, 1)
    if pages > 1:
        number = int(st.number_input("Page", 1, pages, key=PAGE_SHOWN, width=160))
        if number > 1:
            found = list_trail(actor(), workspace(), wanted, (number - 1) * PAGE)
    address.keep(PARTS)
    if not found.total:
        slot.info("Nothing was done that these filters leave.", icon=":material/search_off:")
        return
    with slot.container():
        _rows(found)
        st.caption(f"{found.total:,} {'line' if found.total == 1 else 'lines'}, the newest first.")


def _rows(found: TrailPage) -> None:
    st.dataframe(
        pd.DataFrame(
            [
                {
                    "Line": line.id,
                    "When": line.at,
                    "Who": line.actor,
                    "From": " ".join(filter(None, (line.via, line.address))),
                    "What": line.action,
                    "Subject": line.subject,
                    "Outcome": line.outcome,
                    "Details": line.said,
                }
                for line in found.lines
            ]
        ),
        hide_index=True,
        height=min(38 + 35 * len(found.lines), 720),
        alt="Activity",
        column_config={
            "When": time_column(seconds=True),
            "Line": st.column_config.NumberColumn(format="%d"),
            "Outcome": states.state_column(states.ENDINGS.values()),
        },
    )


main()
