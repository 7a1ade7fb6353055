"""What is shared by the parts of the screen of requests: how one stands, what is under way, a step asked for."""

from collections.abc import Callable

import streamlit as st

from core.domain.credentials import FieldProblem
from core.domain.requests import Mail
from core.services.request_views import RequestView
from core.services.requests import Outcome
from dashboard.session import PLAIN
from dashboard.widgets.states import Look, bad, doubtful, good, neutral, under_way
from dashboard.widgets.text import safe

OPENED = "request.opened"
SAID = "request.said"
DOING = "request.doing"
PROBLEMS = "request.problems"
STATES = {
    "draft": neutral("Draft", "edit_note"),
    "unsure": doubtful("May have been sent", "help"),
    "sent": under_way("Sent", "outgoing_mail"),
    "late": doubtful("No answer", "schedule"),
    "granted": good("Granted"),
    "refused": bad("Refused", "block"),
}


def state_of(view: RequestView, *, late: bool) -> Look:
    """How a request stands; `late`: it waits for its answer too long."""
    return STATES["unsure" if view.unsure else "late" if late else view.state]


def asked(step: Callable[[], Outcome]) -> Outcome:
    """The outcome of a step; what cannot be done now is a problem of no field."""
    try:
        with st.spinner("Sending …"):
            return step()
    except PLAIN as error:
        return Outcome(problems=[FieldProblem(field="form", what=str(error), mend="")])


def show_letter(mail: Mail, said: str) -> None:
    """Show a letter, and the way into the mail program of who sends it."""
    with st.container(border=True):
        st.markdown(f":material/mail: {safe(said)}")
        st.code(mail.text, language=None, wrap_lines=True)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.link_button("Open in mail program", mail.link, icon=":material/open_in_new:")
            if not mail.link_has_body:
                st.caption("It is too long for a link: copy its text into the letter that opens.")
