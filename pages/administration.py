"""Administration: the policy, the people, the hosts that may be connected to, who may do what."""

import pandas as pd
import streamlit as st

from core.services.policy import FIGURES, PolicyFigures, set_policy, show_policy
from dashboard import address
from dashboard.navigation import ADMINISTRATION
from dashboard.session import PLAIN, actor, may, workspace
from dashboard.widgets.allowed_hosts import show_allowed_hosts
from dashboard.widgets.people import show_people
from dashboard.widgets.problems import beside
from dashboard.widgets.rights import show_rights
from dashboard.widgets.text import safe

PROBLEMS = "administration.problems"
VIEW = "administration.view"
SAID = "administration.said"


def main() -> None:
    """Show the screen."""
    st.title("Administration")
    st.caption("The rules that hold here: when keys need attention, who may do what, and which hosts are connected to.")
    if said := st.session_state.pop(SAID, None):
        st.success(said, icon=":material/check_circle:")
    parts = [address.one_of("section", VIEW, lambda: VIEWS, "Policy")]
    address.arrive(ADMINISTRATION, parts)
    view = st.segmented_control(
        "View", list(VIEWS), default="Policy", key=VIEW, persist_state="session", required=True,
        label_visibility="collapsed",
    )  # fmt: skip
    address.keep(parts)
    VIEWS[view or "Policy"]()


def _show_policy() -> None:
    st.header("Policy")
    st.caption("When keys and requests need attention. All figures are days.")
    present = show_policy(actor(), workspace())
    if may("policy.set_policy"):
        _policy(present)
    else:
        _policy_seen(present)


def _policy_seen(present: PolicyFigures) -> None:
    """For who may not change it."""
    figures = [{"Figure": one.title, "Days": getattr(present, one.field), "Meaning": one.meaning} for one in FIGURES]
    st.dataframe(pd.DataFrame(figures), hide_index=True, alt="The policy's figures")


def _policy(present: PolicyFigures) -> None:
    problems = st.session_state.pop(PROBLEMS, [])
    with st.form("administration.policy", border=True, enter_to_submit=False):
        typed = {}
        for figure in FIGURES:
            typed[figure.field] = st.number_input(
                figure.title,
                value=getattr(present, figure.field),
                step=1,
                help=f"{figure.least} to {figure.most} days",
                width=200,
                key=f"administration.{figure.field}",
            )
            st.caption(figure.meaning)
            beside(problems, figure.field)
        saved = st.form_submit_button("Save", type="primary", icon=":material/save:")
    if saved:
        _save(PolicyFigures.model_validate(typed))


def _save(draft: PolicyFigures) -> None:
    try:
        st.session_state[PROBLEMS] = set_policy(actor(), workspace(), draft)
    except PLAIN as error:
        st.error(safe(str(error)), icon=":material/error:")
        return
    if not st.session_state[PROBLEMS]:
        st.session_state[SAID] = "The policy was saved. It is in force now."
    st.rerun()


VIEWS = {
    "Policy": _show_policy,
    "People": show_people,
    "Allowed hosts": show_allowed_hosts,
    "Rights": show_rights,
}

main()
