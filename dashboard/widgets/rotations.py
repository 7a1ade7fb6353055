"""Rotations: begun in a dialog, each step shown, gone on with or brought back by anyone."""

from datetime import UTC, datetime, timedelta

import streamlit as st

from core.domain.accounts import TAG_RULE
from core.services.key_rules import DEFAULT_LIFE, latest_day
from core.services.key_views import KeyView
from core.services.rotation import (
    Advance,
    RotationView,
    advance,
    begin_rotation,
    bring_back,
    list_rotations,
)
from core.services.rotation_steps import STEPS
from dashboard.session import PLAIN, actor, may, workspace
from dashboard.widgets import job
from dashboard.widgets.checks import show_checks
from dashboard.widgets.problems import above
from dashboard.widgets.text import local, safe

ROTATING = "access_keys.rotating"
JOB = "access_keys.rotation"
_WORDS = {
    "create": "Create the new key",
    "check": "Check it for every credentials that use the old one",
    "replace": "Replace it in all of them at once",
    "deactivate": "Deactivate the old key",
    "wait": "Delete the old key after its time of grace",
}


def show_rotations() -> None:
    """The rotations under way, and what the last one said."""
    last: Advance | None = job.finished(JOB)
    if last:
        st.session_state.pop("access_keys.list", None)
        _say(last)
    job.watch(JOB)
    for rotation in list_rotations(actor(), workspace()):
        _show(rotation)


def _say(last: Advance) -> None:
    above(last.problem)
    view = last.rotation
    if view and view.outcome == "done":
        st.success(f"{safe(view.old_key)} is rotated and deleted.", icon=":material/check_circle:")
    elif view and view.outcome == "brought_back":
        st.success(f"{safe(view.old_key)} is back, the new key is deleted.", icon=":material/undo:")
    elif view and view.step == "wait" and not last.problem:
        st.success(
            f"{safe(view.new_key)} replaced {safe(view.old_key)} everywhere; the old key is INACTIVE.",
            icon=":material/check_circle:",
        )
    if last.results:
        with st.expander("Checks of the new key", expanded=bool(last.problem)):
            show_checks(last.results, "rotation")


def _show(view: RotationView) -> None:
    busy = job.running(JOB)
    with st.container(border=True):
        st.markdown(
            f":blue[:material/sync: **Rotation of {safe(view.old_key)}**] · {safe(view.account_id)} in "
            f"{safe(view.region)} · begun by {safe(view.actor)} on {local(view.begun)}"
        )
        if view.credentials:
            st.caption(f"Used by {safe(', '.join(view.credentials))}.")
        _steps(view)
        if view.busy and not busy:
            st.caption(f":material/person: {safe(view.worker)} is at it now.")
        elif view.problem:
            st.caption(f":red[:material/error: {safe(view.problem)}]")
        if not may("rotation.advance"):
            return
        with st.container(horizontal=True):
            if view.step == "wait":
                label = "Delete the old key" if view.due else "Delete the old key now"
                with st.popover(label, icon=":material/delete:", disabled=busy):
                    st.markdown(f"{safe(view.old_key)} is deleted at OUTSCALE. This cannot be undone.")
                    if st.button(label, type="primary", key=f"rotation.delete.{view.id}", disabled=busy):
                        _start(view, delete_now=True)
            elif view.step == "back":
                if st.button("Go on", type="primary", key=f"rotation.on.{view.id}", disabled=busy):
                    _start(view)
            elif st.button(
                "Take over" if view.busy else "Go on",
                type="primary",
                icon=":material/play_arrow:",
                key=f"rotation.on.{view.id}",
                disabled=busy,
            ):
                _start(view, take_over=view.busy)
            if st.button(
                "Bring the old key back", icon=":material/undo:", key=f"rotation.back.{view.id}", disabled=busy
            ):
                _back(view)


def _steps(view: RotationView) -> None:
    at = STEPS.index(view.step) if view.step in STEPS else -1
    lines = []
    for number, step in enumerate(STEPS):
        word = _WORDS[step]
        if step == "wait" and view.delete_after:
            word += f", on {local(view.delete_after)}"
        if step == "create" and view.new_key:
            word += f": {safe(view.new_key)}"
        if at > number:
            lines.append(f":green[:material/check_circle:] {word}")
        elif at == number:
            lines.append(f":blue[:material/arrow_right_alt:] **{word}**")
        else:
            lines.append(f":gray[:material/circle: {word}]")
    if view.step == "back":
        lines.append(":blue[:material/arrow_right_alt:] **Bring the old key back, delete the new one**")
    st.markdown("  \n".join(lines))


def _start(view: RotationView, *, take_over: bool = False, delete_now: bool = False) -> None:
    who, opened = actor(), workspace()
    job.begin(
        JOB,
        lambda progress, stop: advance(
            who, opened, view.id, take_over=take_over, delete_now=delete_now, progress=progress, stop=stop
        ),
    )
    st.rerun()


def _back(view: RotationView) -> None:
    who, opened = actor(), workspace()
    job.begin(
        JOB,
        lambda progress, stop: bring_back(who, opened, view.id, take_over=view.busy, progress=progress, stop=stop),
    )
    st.rerun()


def forget_rotating() -> None:
    """Close the dialog."""
    st.session_state.pop(ROTATING, None)


@st.dialog("Rotate an access key", icon=":material/sync:", width="medium", on_dismiss=forget_rotating)
def rotate_dialog(key: KeyView, region: str, longest: timedelta | None) -> None:
    """Say what will happen, ask for the new key's expiration and tag, begin."""
    st.markdown(f"**{safe(key.access_key)}** is replaced by a new key, step by step. You can stop between two steps.")
    st.markdown("\n".join(f"{number}. {_WORDS[step]}" for number, step in enumerate(STEPS, 1)))
    st.caption(f"Used by {safe(', '.join(key.used_by))}." if key.used_by else "No credentials use it.")
    today, last = datetime.now(UTC).date(), latest_day(longest)
    expires = st.date_input(
        "The new key expires on (UTC)",
        min(today + DEFAULT_LIFE, last or today + DEFAULT_LIFE),
        min_value=today + timedelta(days=1),
        max_value=last,
        key="rotation.expires",
    )
    tag = st.text_input("Tag", value=key.tag, max_chars=255, key="rotation.tag", help=TAG_RULE)
    if st.button("Rotate", type="primary", icon=":material/sync:", key="rotation.begin"):
        try:
            with st.spinner("Asking OUTSCALE …"):
                begun = begin_rotation(
                    actor(), workspace(), key.access_key, region, user_name=key.owner, tag=tag or "", expires=expires
                )
        except PLAIN as error:
            st.error(str(error), icon=":material/error:")
            return
        if begun.problem or begun.rotation is None:
            above(begun.problem)
            return
        forget_rotating()
        _start(begun.rotation)
