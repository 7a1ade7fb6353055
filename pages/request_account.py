"""Requests: an account asked for, or a copy of one in another Region, followed until it is answered."""

import pandas as pd
import streamlit as st

from core.domain.requests import RequestDraft
from core.services.request_answers import poll_answers
from core.services.request_views import RequestView, copy_sources, list_requests, show_request, waiting
from core.services.requests import save_draft, send
from dashboard import address
from dashboard.navigation import REQUEST_ACCOUNT
from dashboard.session import actor, may, workspace
from dashboard.widgets.problems import above, plainly
from dashboard.widgets.request_details import show_details
from dashboard.widgets.request_dialogs import show_dialogs
from dashboard.widgets.request_form import (
    RequestForm,
    begin_form,
    close_form,
    open_form,
    show_fields,
)
from dashboard.widgets.request_steps import OPENED, SAID, STATES, asked, state_of
from dashboard.widgets.rows import choose
from dashboard.widgets.states import state_column
from dashboard.widgets.text import safe, time_column

COPY = "request.copy"
"""Account ID and Region of an account that another screen wants to have copied."""
TABLE = "request.table"
_OF_NO_FIELD = {"form", "state", "id"}


def main() -> None:
    """Show the screen."""
    st.title("Request account")
    st.caption("Ask OUTSCALE for an account, or for a copy of one in another Region, and follow how it is answered.")
    if said := st.session_state.pop(SAID, None):
        st.success(safe(said), icon=":material/check_circle:")
    rows = list_requests(actor(), workspace())
    writes = may("requests.save_draft")
    parts = [
        address.one_of("opened", OPENED, lambda: [row.id for row in rows]),
        address.place("copy", COPY, lambda: _copied() if writes else []),
    ]
    if address.arrive(REQUEST_ACCOUNT, parts):
        if source := st.session_state.pop(COPY):
            begin_form("copy", source)
        elif st.session_state[OPENED]:
            close_form()
    form = (open_form() or (None if rows else begin_form("new"))) if writes else None
    if form:
        _form(form, first=not rows)
        return
    if not rows:
        st.info("No account was asked for yet.", icon=":material/info:")
        return
    if writes:
        _begin()
    late = {view.id for view in waiting(actor(), workspace())}
    chosen = _chosen(rows, late)
    address.keep(parts)
    details = show_request(actor(), workspace(), chosen) if chosen else None
    if any(row.polled for row in rows) and may("request_answers.poll_answers"):
        _wait_for_the_sandbox()
    if details:
        show_dialogs(details)
        show_details(details, late=details.id in late)


def _copied() -> list[address.Place]:
    return [(one.account_id, one.region) for one in copy_sources(actor(), workspace())]


def _begin() -> None:
    with st.container(horizontal=True):
        if st.button("New account", type="primary", icon=":material/add:"):
            begin_form("new")
            st.rerun()
        if st.button("Copy to another Region", icon=":material/content_copy:"):
            begin_form("copy")
            st.rerun()


def _form(form: RequestForm, *, first: bool) -> None:
    title = "Copy an account to another Region" if form.kind == "copy" else "New account"
    st.header("Edit the draft" if form.stored else title)
    draft = show_fields(form)
    _form_problems(form)
    with st.container(horizontal=True):
        sending = st.button("Send", type="primary", icon=":material/send:")
        keeping = st.button("Keep as draft", icon=":material/save:")
        if st.button("Cancel"):
            close_form()
            st.rerun()
        if first and form.kind == "new" and st.button("Copy an account instead", icon=":material/content_copy:"):
            begin_form("copy")
            st.rerun()
    if sending or keeping:
        _keep(form, draft, sending=sending)


def _form_problems(form: RequestForm) -> None:
    whole = [problem for problem in form.problems if problem.field in _OF_NO_FIELD]
    for problem in whole:
        above(problem)
    if count := len(form.problems) - len(whole):
        said = "One field needs" if count == 1 else f"{count} fields need"
        kept = " What you typed is kept as a draft." if form.stored else ""
        st.error(f"{said} your attention: see beside the fields above.{kept}", icon=":material/error:")


def _keep(form: RequestForm, draft: RequestDraft, *, sending: bool) -> None:
    """Keep the draft, and send it when asked to. What is wrong keeps it from being sent, and not from being kept."""
    outcome = asked(lambda: save_draft(actor(), workspace(), draft, form.stored, seen=form.seen))
    view = outcome.request
    if view and not sending:
        _leave(view, "The draft is kept.")
    if view:
        form.stored, form.seen = view.id, view.modified
        outcome = asked(lambda: send(actor(), workspace(), view.id, seen=view.modified))
    if outcome.request and not outcome.problems:
        _leave(outcome.request, "" if outcome.mail else "The request was sent.")
    if outcome.request:
        form.seen = outcome.request.modified
    form.problems = outcome.problems
    st.rerun()


def _leave(view: RequestView, said: str) -> None:
    close_form()
    st.session_state[OPENED] = view.id
    if said:
        st.session_state[SAID] = said
    st.rerun()


@st.fragment(run_every=1.0)
def _wait_for_the_sandbox() -> None:
    st.caption(":material/hourglass_top: The sandbox answers within a few seconds, while it runs.")
    answered: list[RequestView] = []
    with plainly():
        answered = poll_answers(actor(), workspace())
    for view in answered:
        granted = view.state == "granted"
        st.session_state[SAID] = (
            f"{view.title}: granted as the account {view.granted_account_id}."
            if granted
            else f"{view.title}: refused. Its notes say why."
        )
        st.session_state[OPENED] = view.id
        st.rerun()


def _chosen(rows: list[RequestView], late: set[str]) -> str | None:
    table = pd.DataFrame(
        {
            "Request": [row.title for row in rows],
            "State": [state_of(row, late=row.id in late).word for row in rows],
            "Region": [row.region for row in rows],
            "Account ID": [row.granted_account_id for row in rows],
            "Company": [row.company for row in rows],
            "Owner": [row.owner for row in rows],
            "Sent": pd.Series([row.sent for row in rows], dtype="datetime64[us, UTC]"),
            "Answered": pd.Series([row.answered for row in rows], dtype="datetime64[us, UTC]"),
        }
    )
    times = ("Sent", "Answered")
    choose(
        table,
        TABLE,
        [row.id for row in rows],
        OPENED,
        height=min(38 + 35 * len(rows), 320),
        placeholder="",
        alt=f"{len(rows)} requests",
        column_config={
            "Request": st.column_config.TextColumn(pinned=True),
            "State": state_column(STATES.values()),
            "Account ID": st.column_config.TextColumn(width=125),
            **{name: time_column() for name in times},
        },
    )
    opened: str | None = st.session_state.get(OPENED)
    if opened not in {row.id for row in rows}:
        st.caption("Select a request to see how it stands.")
        return None
    return opened


main()
