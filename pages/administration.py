"""Administration: the policy on keys and requests, and the people who signed in."""

import streamlit as st

from core.services.policy import FIGURES, PolicyFigures, set_policy, show_policy
from core.store.store import StoreError
from dashboard.session import actor, workspace
from dashboard.widgets.people import show_people
from dashboard.widgets.problems import beside
from dashboard.widgets.text import safe

PROBLEMS = "administration.problems"
SAID = "administration.said"


def main() -> None:
    """Show the screen."""
    st.title("Administration")
    st.caption("When keys and requests need attention. All figures are days.")
    if said := st.session_state.pop(SAID, None):
        st.success(said, icon=":material/check_circle:")
    present = show_policy(actor(), workspace())
    problems = st.session_state.pop(PROBLEMS, [])
    with st.form("administration.policy", border=True, enter_to_submit=False):
        st.subheader("Policy")
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
    show_people()


def _save(draft: PolicyFigures) -> None:
    try:
        st.session_state[PROBLEMS] = set_policy(actor(), workspace(), draft)
    except StoreError as error:
        st.error(safe(str(error)), icon=":material/error:")
        return
    if not st.session_state[PROBLEMS]:
        st.session_state[SAID] = "The policy was saved. It is in force now."
    st.rerun()


main()
