"""The dialogs of a request: granted, refused, asked again, deleted."""

import streamlit as st

from core.domain.credentials import FieldProblem
from core.services.request_answers import grant, refuse
from core.services.request_views import RequestDetails
from core.services.requests import delete_draft, remind
from dashboard.session import PLAIN, actor, regions, workspace
from dashboard.widgets.problems import above, beside
from dashboard.widgets.request_steps import DOING, PROBLEMS, SAID, asked, show_letter
from dashboard.widgets.text import safe


def _close() -> None:
    for name in (DOING, PROBLEMS):
        st.session_state.pop(name, None)


def show_dialogs(details: RequestDetails) -> None:
    """Show the dialog that was asked for."""
    dialogs = {
        "Granted …": _granted_dialog,
        "Refused …": _refused_dialog,
        "Remind": _remind_dialog,
        "Delete": _delete_dialog,
    }
    doing = st.session_state.get(DOING)
    if doing:
        dialogs[doing](details)


def _ended(problems: list[FieldProblem], said: str) -> None:
    """End a dialog, or show in it what is wrong."""
    if problems:
        st.session_state[PROBLEMS] = problems
    else:
        _close()
        st.session_state[SAID] = said
    st.rerun()


def _wrong(fields: set[str] | None = None) -> list[FieldProblem]:
    """What is wrong with the dialog's fields; the rest is shown above them."""
    problems: list[FieldProblem] = st.session_state.get(PROBLEMS, [])
    for problem in problems:
        if problem.field not in (fields or set()):
            above(problem)
    return problems


@st.dialog("The request was granted", icon=":material/check_circle:", on_dismiss=_close)
def _granted_dialog(details: RequestDetails) -> None:
    problems = _wrong({"account_id", "region"})
    known = regions()
    with st.form("request.granted", border=False):
        account_id = st.text_input(
            "Account ID *", placeholder="12 digits", autocomplete="off", help="The 12 digits in OUTSCALE's answer."
        )
        beside(problems, "account_id")
        names = [region.name for region in known.open]
        region = st.selectbox(
            "Region *",
            names,
            index=names.index(details.region) if details.region in names else 0,
            format_func=lambda name: str(known[name]),
        )
        beside(problems, "region")
        st.caption("The account becomes known here.")
        sent = st.form_submit_button("Record", type="primary", icon=":material/check:")
    if sent:
        outcome = asked(lambda: grant(actor(), workspace(), details.id, account_id or "", region or ""))
        _ended(outcome.problems, f"The account {(account_id or '').strip()} is known now.")


@st.dialog("The request was refused", icon=":material/block:", on_dismiss=_close)
def _refused_dialog(details: RequestDetails) -> None:
    _wrong()
    with st.form("request.refused", border=False):
        reason = st.text_input("Reason", autocomplete="off", help="Goes to the notes.", max_chars=500)
        sent = st.form_submit_button("Record", type="primary", icon=":material/check:")
    if sent:
        outcome = asked(lambda: refuse(actor(), workspace(), details.id, reason or ""))
        _ended(outcome.problems, "The refusal is recorded.")


@st.dialog("Ask again", icon=":material/notifications:", on_dismiss=_close)
def _remind_dialog(details: RequestDetails) -> None:
    _wrong()
    if details.reminder:
        show_letter(details.reminder, "Send this letter with your own mail program, then say that you did.")
    if st.button("I sent it", type="primary", icon=":material/check:", key="request.reminded"):
        outcome = asked(lambda: remind(actor(), workspace(), details.id, seen=details.modified))
        _ended(outcome.problems, "The reminder is recorded.")


@st.dialog("Delete the draft", icon=":material/delete:", on_dismiss=_close)
def _delete_dialog(details: RequestDetails) -> None:
    _wrong()
    st.markdown(f"The draft **{safe(details.title)}** is gone after that. Nothing was sent.")
    if st.button("Delete the draft", type="primary", icon=":material/delete:", key="request.delete"):
        problem = None
        try:
            problem = delete_draft(actor(), workspace(), details.id)
        except PLAIN as error:
            problem = FieldProblem(field="form", what=str(error), mend="")
        _ended([problem] if problem else [], "The draft is deleted.")
