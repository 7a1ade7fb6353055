"""People who signed in: who they are, when they were seen, and how to end their sessions or block them."""

import zlib

import pandas as pd
import streamlit as st

from core.services.people import PersonView, block_person, end_sessions, list_people, unblock_person
from dashboard.session import PLAIN, actor, may, people_sign_in, workspace
from dashboard.widgets.problems import above
from dashboard.widgets.text import safe, time_column

SAID = "people.said"
PROBLEM = "people.problem"
BLOCKING = "people.blocking"


def show_people() -> None:
    """Show the section."""
    st.header("People")
    settings = workspace().settings
    if not people_sign_in():
        st.caption(
            "Nobody signs in here: the dashboard is for this machine only, and who sits at it may do everything. To "
            "let people sign in, name an OpenID Connect provider with ONBOARDING_OIDC_ISSUER."
        )
    else:
        st.caption(
            f"Who signed in at {safe(settings.oidc_issuer or '')}. Roles come from the claim "
            f"{safe(settings.oidc_roles_claim)}; a session lasts {settings.session_hours:g} hours at most."
        )
    if said := st.session_state.pop(SAID, None):
        st.success(said, icon=":material/check_circle:")
    above(st.session_state.pop(PROBLEM, None))
    people = list_people(actor(), workspace())
    if not people:
        if people_sign_in():
            st.info("Nobody signed in yet.", icon=":material/group:")
        return
    chosen = _table(people)
    if may("people.block_person"):
        _actions(people[chosen] if chosen is not None else None)
    if waiting := st.session_state.get(BLOCKING):
        _ask(waiting)


def _table(people: list[PersonView]) -> int | None:
    rows = [
        {
            "Name": one.name,
            "Email": one.email,
            "Role": one.role.value if one.role else "none",
            "Sessions": one.sessions,
            "Last seen": one.seen,
            "First seen": one.created,
            "Blocked since": one.blocked,
        }
        for one in people
    ]
    picked = st.dataframe(
        pd.DataFrame(rows).astype({"Blocked since": "datetime64[ns, UTC]"}),
        hide_index=True,
        alt="People who signed in",
        column_config={
            "Last seen": time_column(),
            "First seen": time_column(),
            "Blocked since": time_column(),
            "Sessions": st.column_config.NumberColumn(help="Browsers in which the person is signed in now."),
        },
        on_select="rerun",
        selection_mode="single-row",
        key=f"people.table.{zlib.crc32(chr(0).join(one.id for one in people).encode())}",
    )
    chosen = picked["selection"]["rows"]
    return chosen[0] if chosen and chosen[0] < len(people) else None


def _actions(person: PersonView | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            "End all sessions",
            icon=":material/phonelink_erase:",
            disabled=person is None,
            help="The person is signed out in every browser, and may sign in again.",
            key="people.end",
        ):
            _do_end(person)
        if person and person.blocked:
            if st.button("Unblock", icon=":material/lock_open:", key="people.unblock"):
                _do_unblock(person)
        elif st.button(
            "Block",
            icon=":material/block:",
            disabled=person is None,
            help="The person is signed out in every browser, and is not let in again.",
            key="people.block",
        ):
            st.session_state[BLOCKING] = person
        if person is None:
            st.caption("Choose somebody in the table.")


def _do_end(person: PersonView | None) -> None:
    if person is None:
        return
    try:
        count = end_sessions(actor(), workspace(), person.id)
    except PLAIN as error:
        st.error(safe(str(error)), icon=":material/error:")
        return
    sessions = "1 session" if count == 1 else f"{count} sessions"
    st.session_state[SAID] = f"{sessions} of {safe(person.name)} ended."
    st.rerun()


def _do_unblock(person: PersonView) -> None:
    try:
        unblock_person(actor(), workspace(), person.id)
    except PLAIN as error:
        st.error(safe(str(error)), icon=":material/error:")
        return
    st.session_state[SAID] = f"{safe(person.name)} may sign in again."
    st.rerun()


def _close() -> None:
    st.session_state.pop(BLOCKING, None)


@st.dialog("Block a person", icon=":material/block:", on_dismiss=_close)
def _ask(person: PersonView) -> None:
    st.markdown(f"**{safe(person.name)}** is signed out in every browser at once, and is not let in until unblocked.")
    with st.container(horizontal=True):
        if st.button("Block", type="primary", icon=":material/block:", key="people.block.yes"):
            try:
                problems = block_person(actor(), workspace(), person.id)
            except PLAIN as error:
                st.error(safe(str(error)), icon=":material/error:")
                return
            _close()
            if problems:
                st.session_state[PROBLEM] = problems[0]
            else:
                st.session_state[SAID] = f"{safe(person.name)} is blocked."
            st.rerun()
        if st.button("Cancel", key="people.block.no"):
            _close()
            st.rerun()
