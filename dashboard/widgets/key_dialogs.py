"""Dialogs that change one access key: its expiration and tag, its state, its end."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import streamlit as st

from core.domain.accounts import TAG_RULE
from core.domain.credentials import FieldProblem
from core.services.access_keys import KeyList, change_key, delete_key
from core.services.doors import Door
from core.services.key_rules import latest_day
from core.services.key_views import KeyView, deletion_warnings
from dashboard.session import PLAIN, actor, workspace
from dashboard.widgets.problems import above, beside
from dashboard.widgets.text import safe

DOING = "access_keys.doing"
SAID = "access_keys.said"


def close_dialog() -> None:
    """Close whichever is open."""
    st.session_state.pop(DOING, None)


@st.dialog("Change an access key", icon=":material/edit:", on_dismiss=close_dialog)
def change_dialog(door: Door, listed: KeyList, key: KeyView) -> None:
    """Another expiration or tag."""
    st.markdown(f"**{safe(key.access_key)}**")
    today, last = datetime.now(UTC).date(), latest_day(listed.longest_life)
    never = st.checkbox("Never expires", value=key.expires is None, disabled=last is not None, key="key.never")
    shown = max(key.expires.date(), today + timedelta(days=1)) if key.expires else today + timedelta(days=365)
    expires = st.date_input(
        "Expires on (UTC)",
        min(shown, last) if last else shown,
        min_value=today + timedelta(days=1),
        max_value=last,
        disabled=never,
        key="key.expires",
    )
    refused = st.container()
    tag = st.text_input("Tag", value=key.tag, max_chars=255, key="key.tag", help=TAG_RULE)
    if st.button("Save", type="primary", icon=":material/check:", key="key.save"):
        problem = _asked(
            lambda: change_key(
                actor(),
                workspace(),
                door,
                key.access_key,
                expires=None if never else expires,
                never=never,
                tag=tag or "",
                user_name=key.owner,
            )
        )
        if problem and problem.field == "expires":
            with refused:
                beside([problem], "expires")
        elif problem:
            above(problem)
        else:
            _done(f"{key.access_key} was changed.")


@st.dialog("Deactivate an access key", icon=":material/toggle_off:", on_dismiss=close_dialog)
def deactivate_dialog(door: Door, key: KeyView) -> None:
    """Ask once before a key stops to sign."""
    st.markdown(f"**{safe(key.access_key)}** signs nothing until it is activated again. Its expiration stays.")
    if key.used_by:
        names = safe(", ".join(key.used_by))
        st.warning(f"The credentials {names} use it: they stop working meanwhile.", icon=":material/warning:")
    if st.button("Deactivate", type="primary", icon=":material/toggle_off:", key="key.deactivate"):
        set_state(door, key, "INACTIVE")


@st.dialog("Delete an access key", icon=":material/delete:", on_dismiss=close_dialog)
def delete_dialog(door: Door, listed: KeyList, key: KeyView) -> None:
    """Warn, have the key typed, delete it."""
    st.markdown(f"**{safe(key.access_key)}** is deactivated and deleted at OUTSCALE. This cannot be undone.")
    for warning in deletion_warnings(listed.keys, key.access_key):
        st.warning(safe(warning), icon=":material/warning:")
    typed = st.text_input("Type the access key to delete it", autocomplete="off", key="key.typed")
    if st.button("Delete", type="primary", icon=":material/delete:", key="key.delete"):
        problem = _asked(
            lambda: delete_key(actor(), workspace(), door, key.access_key, typed or "", user_name=key.owner)
        )
        if problem:
            above(problem)
        else:
            _done(f"{key.access_key} was deleted.")


def set_state(door: Door, key: KeyView, state: str) -> None:
    """Activate or deactivate a key."""
    problem = _asked(lambda: change_key(actor(), workspace(), door, key.access_key, state=state, user_name=key.owner))
    if problem:
        above(problem)
    else:
        _done(f"{key.access_key} is {state} now.")


def _asked(change: Callable[[], FieldProblem | None]) -> FieldProblem | None:
    try:
        with st.spinner("Asking OUTSCALE …"):
            return change()
    except PLAIN as error:
        return FieldProblem(field="form", what=str(error), mend="")


def _done(said: str) -> None:
    st.session_state[SAID] = said
    st.session_state.pop("access_keys.list", None)
    close_dialog()
    st.rerun()
