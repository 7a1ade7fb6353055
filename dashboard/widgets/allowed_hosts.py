"""Allowed hosts: the list, and the form of an entry."""

import streamlit as st

from core.domain.credentials import FieldProblem
from core.services.allowed_hosts import (
    NOTE_LENGTH,
    AllowedHostView,
    allow_host,
    list_allowed_hosts,
    remove_allowed_host,
)
from dashboard.session import PLAIN, actor, may, workspace
from dashboard.widgets.problems import above, beside
from dashboard.widgets.text import safe

_PROBLEMS = "administration.hosts.problems"
_SAID = "administration.hosts.said"
_ENTRY, _NOTE = "administration.hosts.entry", "administration.hosts.note"


def show_allowed_hosts() -> None:
    """Show the list and the form."""
    st.header("Allowed hosts")
    st.caption(
        "Proxies that credentials may name, and private addresses that a Region may have. OUTSCALE's public Regions "
        "need no entry. This machine itself and the metadata services of clouds are never connected to."
    )
    if said := st.session_state.pop(_SAID, None):
        st.success(safe(said), icon=":material/check_circle:")
    problems: list[FieldProblem] = st.session_state.pop(_PROBLEMS, [])
    above(next((problem for problem in problems if problem.field == "list"), None))
    entries = list_allowed_hosts(actor(), workspace())
    if not entries:
        st.info("No host is allowed yet, so credentials work without a proxy only.", icon=":material/shield:")
    for entry in entries:
        _entry(entry)
    if not may("allowed_hosts.allow_host"):
        return
    with st.form("administration.hosts", border=True, enter_to_submit=False):
        host, note = st.columns(2)
        with host:
            typed = st.text_input(
                "Host",
                key=_ENTRY,
                placeholder="proxy.company.example:3128",
                help="A host, `*.domain`, an address or a network; with a port for that port only.",
            )
            beside(problems, "entry")
        with note:
            said_why = st.text_input("Note", key=_NOTE, max_chars=NOTE_LENGTH, placeholder="What it is for")
            beside(problems, "note")
        if st.form_submit_button("Allow", icon=":material/add:"):
            _allow(typed, said_why)


def _entry(entry: AllowedHostView) -> None:
    with st.container(border=True):
        words, button = st.columns([5, 1], vertical_alignment="center")
        words.markdown(f"**{safe(entry.entry)}**" + (f" · {safe(entry.note)}" if entry.note else ""))
        words.caption(f"Added {entry.added:%Y-%m-%d} by {safe(entry.added_by)}")
        if not entry.counts:
            words.warning("It opens nothing any more: what it names is never connected to.", icon=":material/block:")
        if may("allowed_hosts.remove_allowed_host") and button.button(
            "Remove", key=f"administration.hosts.remove.{entry.entry}", icon=":material/delete:", width="stretch"
        ):
            _remove(entry.entry)


def _allow(entry: str, note: str) -> None:
    try:
        problems = allow_host(actor(), workspace(), entry, note)
    except PLAIN as error:
        problems = [_broken(error)]
    if problems:
        st.session_state[_PROBLEMS] = problems
    else:
        st.session_state[_SAID] = f"{entry.strip()} is allowed from the next connection on."
        for field in (_ENTRY, _NOTE):
            del st.session_state[field]
    st.rerun()


def _remove(entry: str) -> None:
    try:
        problem = remove_allowed_host(actor(), workspace(), entry)
    except PLAIN as error:
        problem = _broken(error)
    if problem:
        st.session_state[_PROBLEMS] = [problem.model_copy(update={"field": "list"})]
    else:
        st.session_state[_SAID] = f"{entry} is allowed no more, from the next connection on."
    st.rerun()


def _broken(error: Exception) -> FieldProblem:
    return FieldProblem(field="list", what=str(error), mend="")
