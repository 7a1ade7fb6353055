"""Walkthrough: the whole onboarding as one guided tour, on the sandbox, for an audience or a first look."""

import streamlit as st

from core.services.walkthrough import Tour, show_tour, start_over
from core.services.walkthrough_steps import Step
from dashboard import address
from dashboard.navigation import WALKTHROUGH
from dashboard.session import actor, workspace
from dashboard.widgets import job
from dashboard.widgets.problems import above, plainly
from dashboard.widgets.text import safe
from dashboard.widgets.walkthrough import ANSWER, JOB, PLACE, go_to, show_step
from dashboard.widgets.walkthrough_words import WORDS

ASKING = "walkthrough.asking"
NOTES = "walkthrough.notes"
PARTS = (
    address.one_of("step", PLACE, lambda: [step.value for step in Step]),
    address.Part("notes", NOTES, lambda words: words[-1] == "shown", lambda value: ["shown"] if value else [], False),
)


def main() -> None:
    """Show the screen."""
    st.title("Walkthrough")
    st.caption("From the request for an account to its costs: every step is done in earnest, on the sandbox only.")
    tour = show_tour(actor(), workspace())
    if tour.problem:
        st.warning(f"**{safe(tour.problem.what)}** {safe(tour.problem.mend)}", icon=":material/cloud_off:")
    address.arrive(WALKTHROUGH, PARTS)
    asked = st.session_state.get(PLACE)
    step = Step(asked) if asked else tour.current
    notes = _bar(tour)
    address.keep(PARTS)
    if st.session_state.get(ASKING):
        _start_over_dialog(tour)
    left, right = st.columns([5, 2], gap="large")
    with left:
        show_step(tour, step, notes=notes)
    with right:
        _way(tour, step)


def _bar(tour: Tour) -> bool:
    """How far the tour is, and what there is to it as a whole. Gives whether the presenter's notes are wanted."""
    count = len(tour.steps)
    st.progress(tour.done / count, f"{tour.done} of {count} steps done")
    with st.container(horizontal=True, vertical_alignment="center"):
        notes = st.toggle("Presenter notes", key=NOTES)
        if tour.begun and st.button("Start over", icon=":material/restart_alt:", disabled=job.running(JOB)):
            st.session_state[ASKING] = True
            st.rerun()
    return notes


def _way(tour: Tour, shown: Step) -> None:
    """All steps, those that are done ticked."""
    st.markdown("**The way**")
    for number, view in enumerate(tour.steps, 1):
        icon = "check_circle" if view.done else "block" if view.refused else "radio_button_unchecked"
        st.button(
            f"{number}. {WORDS[view.step].title}",
            icon=f":material/{icon}:",
            type="secondary" if view.step is shown else "tertiary",
            key=f"walkthrough.way.{view.step}",
            on_click=go_to,
            args=(view.step,),
        )


def _close() -> None:
    st.session_state.pop(ASKING, None)


@st.dialog("Start over", icon=":material/restart_alt:", on_dismiss=_close)
def _start_over_dialog(tour: Tour) -> None:
    name = tour.choice.credentials.removesuffix("-bills") if tour.choice else ""
    st.markdown(
        f"Deletes what this tour made: the credentials **{safe(name)}** and **{safe(name)}-bills**, the request, the "
        "account at the sandbox and its key. Nothing else is touched."
    )
    if st.button("Delete and start over", type="primary", icon=":material/delete:"):
        with plainly(), st.spinner("Deleting …"):
            if problem := start_over(actor(), workspace()):
                above(problem)
                return
            _close()
            st.session_state.pop(ANSWER, None)
            st.session_state.pop(PLACE, None)
            st.rerun()


main()
