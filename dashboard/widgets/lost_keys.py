"""What is open: keys that may exist at OUTSCALE without anybody holding their secret, and secrets nobody took yet."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from core.services import key_intents
from core.services.doors import Door
from core.services.key_intents import OpenIntent, Search
from dashboard.session import PLAIN, actor, may, workspace
from dashboard.widgets.new_key import NEW_KEY, show_again
from dashboard.widgets.problems import above
from dashboard.widgets.text import local, safe

FOUND = "access_keys.lost"


def show_open(door: Door | None) -> None:
    """Show what is open, with the ways to resolve it. `door`: the opened account, if any."""
    shown = st.session_state.get(NEW_KEY)
    for intent in key_intents.open_intents(actor(), workspace()):
        if shown is not None and shown.intent == intent.id:
            continue  # its dialog is open
        with st.container(border=True):
            _waiting(intent) if intent.waiting else _unanswered(intent, door)


def _waiting(intent: OpenIntent) -> None:
    st.markdown(
        f":orange[:material/lock_clock: **A new key's secret was not taken yet**] · {safe(intent.access_key)} "
        f"({_whose(intent)}), created by {safe(intent.actor)} on {local(intent.begun)}"
    )
    if not may("key_intents.take"):
        return
    with st.container(horizontal=True):
        if st.button("Show it", icon=":material/visibility:", key=f"lost.show.{intent.id}"):
            show_again(intent.id, intent.access_key, intent.account_id, intent.region)
        if st.button("Keep sealed here", icon=":material/lock:", key=f"lost.keep.{intent.id}"):
            _do(lambda: key_intents.take(actor(), workspace(), intent.id, sealed=True))


def _unanswered(intent: OpenIntent, door: Door | None) -> None:
    st.markdown(
        f":red[:material/error: **A key may exist at OUTSCALE that nobody holds the secret of**] · {_whose(intent)}, "
        f"begun by {safe(intent.actor)} on {local(intent.begun)}; no answer was recorded."
    )
    if not may("key_intents.search"):
        return
    looked: Search | None = st.session_state.get(f"{FOUND}.{intent.id}")
    if looked:
        above(looked.problem)
    for key in looked.found if looked else []:
        st.markdown(
            f"**{safe(key.access_key_id)}** · created {local(key.creation_date)} · {safe(key.tag or 'no tag')} · "
            "not made by anybody here as far as is known"
        )
        if door:
            with st.popover("Revoke it", icon=":material/delete:"):
                st.markdown(f"{safe(key.access_key_id)} is deleted at OUTSCALE. This cannot be undone.")
                if st.button("Revoke it", type="primary", key=f"lost.revoke.{key.access_key_id}"):
                    _do(partial(_revoke, intent, door, key.access_key_id))
    with st.container(horizontal=True):
        if door is None:
            st.caption("Open this account below, then look for the key.")
        elif st.button("Look for it", icon=":material/search:", key=f"lost.look.{intent.id}"):
            _do(lambda: _keep(intent, key_intents.search(actor(), workspace(), intent.id, door)))
        if looked and looked.found and st.button("They are ours", key=f"lost.ours.{intent.id}"):
            _do(lambda: key_intents.disown(actor(), workspace(), intent.id))


def _revoke(intent: OpenIntent, door: Door, access_key: str) -> None:
    _keep(intent, key_intents.revoke(actor(), workspace(), intent.id, door, access_key))


def _keep(intent: OpenIntent, looked: Search) -> None:
    st.session_state[f"{FOUND}.{intent.id}"] = looked


def _do(change: Callable[[], object]) -> None:
    try:
        with st.spinner("Asking OUTSCALE …"):
            change()
    except PLAIN as error:
        st.error(str(error), icon=":material/error:")
        return
    st.session_state.pop("access_keys.list", None)
    st.rerun()


def _whose(intent: OpenIntent) -> str:
    user = f", EIM user {safe(intent.user_name)}" if intent.user_name else ""
    return f"{safe(intent.account_id or intent.email)} in {safe(intent.region)}{user}"
