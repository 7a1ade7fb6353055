"""Costs: read the bill files, look at what they come to, hold them against OUTSCALE, set budgets."""

import streamlit as st

from core.services.bill_pull import PullReport, pull
from core.services.billing import bucket_choices
from core.services.costs import period_known
from dashboard import address
from dashboard.navigation import ADD_CREDENTIALS, COSTS, go, sees
from dashboard.session import actor, may, workspace
from dashboard.widgets import bill_files, cost_report, job, reconciliation
from dashboard.widgets.bill_files import show_files
from dashboard.widgets.budgets import show_budgets
from dashboard.widgets.cost_report import show_report
from dashboard.widgets.problems import above
from dashboard.widgets.reconciliation import show_reconciliation

JOB = "costs.pull"
SAID = "costs.pulled"
VIEWS = ("Costs", "Files", "Reconcile", "Budgets")
NEEDS = {"Reconcile": "reconcile.reconcile"}
PARTS = {"Costs": cost_report.PARTS, "Files": bill_files.PARTS, "Reconcile": reconciliation.PARTS}


def main() -> None:
    """Show the screen."""
    st.title("Costs")
    st.caption("What the bill files in the billing buckets come to. Each currency stands for itself.")
    report: PullReport | None = job.finished(JOB)
    if report:
        st.session_state[SAID] = report
    buckets = bucket_choices(actor(), workspace())
    known = period_known(actor(), workspace())
    if not buckets:
        st.info("No enabled billing credentials yet. Add some with Billing only.", icon=":material/info:")
        if sees(ADD_CREDENTIALS) and st.button("Add credentials", type="primary", icon=":material/add_circle:"):
            go(ADD_CREDENTIALS)
    offered = [one for one in VIEWS if one not in NEEDS or may(NEEDS[one])]
    leads = address.one_of("view", "costs.view", lambda: offered, "Costs")
    address.arrive(COSTS, (leads, *PARTS.get(st.query_params.get("view", "Costs"), ())))
    with st.container(horizontal=True, vertical_alignment="center"):
        view = st.segmented_control(
            "View", offered, default="Costs", key="costs.view", persist_state="session", required=True,
            label_visibility="collapsed",
        )  # fmt: skip
        read = may("bill_pull.pull") and st.button(
            "Read bills",
            icon=":material/sync:",
            type="secondary" if known or not buckets else "primary",
            disabled=job.running(JOB) or not buckets,
            help="Read the bill files that are new or changed since the last time.",
        )
    if view not in PARTS or not known:
        address.keep((leads, *PARTS.get(view, ())))
    if read:
        who, opened = actor(), workspace()
        st.session_state.pop(SAID, None)
        job.begin(JOB, lambda advance, stop: pull(who, opened, progress=advance, stop=stop))
        st.rerun()
    job.watch(JOB, "files", "Listing the buckets …")
    _said(st.session_state.get(SAID))
    if not known and view != "Budgets":
        if buckets:
            st.info(
                "No bill was read yet. Read the bills first; a few seconds for hundreds of files.",
                icon=":material/receipt_long:",
            )
        return
    if view == "Files":
        show_files(leads)
    elif view == "Reconcile":
        show_reconciliation(leads)
    elif view == "Budgets":
        show_budgets()
    else:
        show_report(leads)


def _said(report: PullReport | None) -> None:
    if report is None:
        return
    parts = [
        f"{count} {word}"
        for count, word in (
            (report.read, "read"),
            (report.unchanged, "unchanged"),
            (report.gone, "gone from their buckets"),
            (report.no_bill, "no bills"),
        )
        if count
    ]
    line = f"Bill files: {', '.join(parts) or 'none found'}."
    if report.stopped:
        st.info(f"Stopped. {line} The rest is read the next time.", icon=":material/stop_circle:")
    else:
        st.success(line, icon=":material/task_alt:")
    if report.unknown or report.failed:
        what = []
        if report.unknown:
            what.append(f"{report.unknown} with columns that are not understood: map them under Files")
        if report.failed:
            what.append(f"{report.failed} could not be read: see why under Files")
        st.warning(f"{'; '.join(what)}.", icon=":material/warning:")
    for problem in report.problems:
        above(problem)


main()
