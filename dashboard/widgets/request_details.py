"""One request: how it stands, what was asked for, what can be done with it now."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from core.domain.credentials import FieldProblem
from core.domain.requests import LABELS
from core.services.doors import demo_sign_in
from core.services.request_views import RequestDetails
from core.services.requests import Outcome, annotate, mark_sent, remind, send
from dashboard import address
from dashboard.navigation import ACCESS_KEYS, ACCOUNTS, link
from dashboard.session import actor, may, regions, workspace
from dashboard.widgets.events import show_events
from dashboard.widgets.facts import show_facts
from dashboard.widgets.problems import above, beside
from dashboard.widgets.request_form import (
    edit_request,
)
from dashboard.widgets.request_steps import DOING, PROBLEMS, SAID, asked, show_letter, state_of
from dashboard.widgets.text import local, safe

_WAYS = {"smtp": "by the mail server", "mail": "by hand", "sandbox": "to the sandbox"}


def show_details(details: RequestDetails, *, late: bool) -> None:
    """Show a request with what can be done with it now."""
    st.divider()
    st.header(safe(details.title))
    region = regions().get(details.region)
    place = safe(str(region or details.region))
    st.markdown(f"{state_of(details, late=late).badge} :blue-badge[:material/public: {place}]")
    _story(details)
    for problem in st.session_state.pop(PROBLEMS, []) if DOING not in st.session_state else []:
        above(problem)
    if may("requests.save_draft"):
        _actions(details)
    about, notes, events = st.tabs(["Request", "Notes", "Events"])
    with about:
        _about(details)
    with notes:
        _notes(details)
    with events:
        show_events(details.events)


def _story(details: RequestDetails) -> None:
    """When what happened."""
    said = [f"begun {local(details.created)}", f"owner: {details.owner or 'nobody'}"]
    if details.terms_accepted:
        said.append(f"terms accepted {local(details.terms_accepted)}")
    if details.sent and details.state != "draft":
        said.append(f"sent {local(details.sent)} {_WAYS.get(details.sent_by, '')}")
    if details.reminded:
        said.append(f"asked again {local(details.reminded)}")
    if details.answered:
        said.append(f"answered {local(details.answered)}")
    st.caption(safe(" · ".join(said)))
    if details.unsure:
        st.warning(
            f"It may have been sent, on {local(details.sent)}: nobody heard how that ended. Ask the recipient before "
            "you send it again.",
            icon=":material/help:",
        )
    if details.granted_account_id:
        show_facts({"Account ID": details.granted_account_id})
    if details.state == "granted" and may("doors.open_with_password"):
        sign_in = demo_sign_in(workspace(), details.region, details.granted_account_id)
        if sign_in:
            st.markdown("The sandbox's welcome letter: this email and password sign in.")
            st.code(f"{sign_in[0]}\n{sign_in[1].get_secret_value()}", language=None)


def _actions(details: RequestDetails) -> None:
    state = details.state
    if details.mail:
        show_letter(details.mail, "Send this letter with your own mail program, then say that you did.")
    with st.container(horizontal=True):
        if state == "draft":
            if details.mail or details.unsure:
                _step("I sent it", "check", lambda: mark_sent(actor(), workspace(), details.id, seen=details.modified))
            if not details.mail:
                label = "Send again" if details.unsure else "Send"
                again = details.unsure
                _step(label, "send", lambda: send(actor(), workspace(), details.id, seen=details.modified, again=again))
            if st.button("Edit", icon=":material/edit:"):
                edit_request(details)
                st.rerun()
            if not details.unsure:
                _opens("Delete", "delete")
        elif state == "sent":
            _opens("Granted …", "check_circle")
            _opens("Refused …", "block")
            if details.reminder:
                _opens("Remind", "notifications")
            elif not details.polled:
                _step("Remind", "notifications", lambda: remind(actor(), workspace(), details.id))
        elif state == "granted":
            place = {"account": address.named(details.granted_account_id, details.region)}
            link(ACCESS_KEYS, "See access keys", place)
            link(ACCOUNTS, "See the account", place)


def _opens(label: str, icon: str) -> None:
    """A button that opens the dialog of its name."""
    if st.button(label, icon=f":material/{icon}:"):
        st.session_state.pop(PROBLEMS, None)
        st.session_state[DOING] = label
        st.rerun()


def _step(label: str, icon: str, step: Callable[[], Outcome]) -> None:
    """A button that does a step at once."""
    if not st.button(label, icon=f":material/{icon}:", type="primary"):
        return
    outcome = asked(step)
    st.session_state[PROBLEMS] = outcome.problems
    if not outcome.problems and not outcome.mail:
        st.session_state[SAID] = "The reminder was sent." if label == "Remind" else "The request was sent."
    st.rerun()


def _about(details: RequestDetails) -> None:
    shown = {"From account": details.from_account_id, "From Region": details.from_region}
    shown |= {"Region wanted": details.region} if details.state != "granted" else {}
    shown |= {label: getattr(details, name) for name, label in LABELS.items()}
    shown |= {"Newsletter": "yes" if details.newsletter else ""}
    shown = {label: value for label, value in shown.items() if value}
    st.dataframe(
        pd.DataFrame({"Field": list(shown), "Value": list(shown.values())}),
        hide_index=True,
        height=38 + 35 * len(shown),
        alt="What was asked for",
    )


def _notes(details: RequestDetails) -> None:
    if not may("requests.annotate"):
        st.markdown(safe(details.notes) or "There are none.")
        return
    problems: list[FieldProblem] = st.session_state.pop("request.note_problems", [])
    with st.form(f"request.notes.{details.id}.{details.modified}", border=False, enter_to_submit=False):
        owner = st.text_input("Owner", details.owner, autocomplete="off", help="Who answers for it here.")
        beside(problems, "owner")
        notes = st.text_area("Notes", details.notes, height=120)
        beside(problems, "notes")
        saved = st.form_submit_button("Save notes", icon=":material/save:")
    if not saved:
        return
    outcome = asked(
        lambda: annotate(actor(), workspace(), details.id, owner=owner or "", notes=notes or "", seen=details.modified)
    )
    fields = {"owner", "notes"}
    st.session_state["request.note_problems"] = [one for one in outcome.problems if one.field in fields]
    st.session_state[PROBLEMS] = [one for one in outcome.problems if one.field not in fields]
    if not outcome.problems:
        st.session_state[SAID] = "The notes are kept."
    st.rerun()
