"""The dialog that reveals a sealed secret: which, why, and the proof; then the secret, for half a minute. After that it
is gone from the screen and from the session, also when nobody looks any more."""

import threading
import time
from dataclasses import dataclass

import streamlit as st
from pydantic import SecretStr

from core.domain.credentials import FieldProblem
from core.domain.sign_in import AFRESH
from core.services.local_password import HOW_TO_SET, password_is_set
from core.services.reveal import FRESH, MOST_REASON, SHOWN_FOR, SealedSecret, is_fresh, reveal, sealed_secrets
from dashboard.session import PLAIN, actor, may, people_sign_in, signed_in_at, workspace
from dashboard.widgets.problems import above, beside
from dashboard.widgets.text import safe

_OPEN = "reveal.open"
"""The names of the stored credentials while the dialog is open, the chosen one first."""
_SHOWN = "reveal.shown"
_PROBLEM = "reveal.problem"
_TRY = "reveal.try"
_KEPT = "Keys kept here"


@dataclass
class Shown:
    """A secret on the screen, and until when, by this machine's own clock."""

    what: SealedSecret
    secret: SecretStr | None
    until: float

    def hide(self) -> None:
        """Forget it."""
        self.secret = None


def forget() -> None:
    """Close the dialog; what it showed leaves the session."""
    shown: Shown | None = st.session_state.pop(_SHOWN, None)
    if shown:
        shown.hide()
    for name in (_OPEN, _PROBLEM):
        st.session_state.pop(name, None)


def reveal_button(names: list[str], chosen: str | None) -> None:
    """The way in, for administrators: `names` of all stored credentials, and the one that is looked at."""
    if not may("reveal.reveal") or not (names or sealed_secrets(actor(), workspace())):
        return
    if st.button("Reveal a secret", icon=":material/visibility:"):
        forget()
        st.session_state[_OPEN] = sorted(names, key=lambda name: (name != chosen, name))


def show_reveal() -> None:
    """Show the dialog while it is open."""
    if _OPEN in st.session_state:
        _dialog(st.session_state[_OPEN])


@st.dialog("Reveal a secret", icon=":material/visibility:", width="medium", on_dismiss=forget)
def _dialog(names: list[str]) -> None:
    shown: Shown | None = st.session_state.get(_SHOWN)
    if shown:
        _show(shown)
        return
    asked = not people_sign_in()
    if not asked and not is_fresh(signed_in_at()):
        _sign_in_afresh()
        return
    if asked and not password_is_set(actor(), workspace()):
        st.info(f"No password is set, and nothing is revealed without one. {safe(HOW_TO_SET)}", icon=":material/lock:")
        return
    wanted = _wanted(names)
    if wanted is None:
        st.info("Nothing is sealed there.", icon=":material/info:")
        return
    problem: FieldProblem | None = st.session_state.get(_PROBLEM)
    problems = [problem] if problem else []
    number = st.session_state.get(_TRY, 0)
    with st.form("reveal.form", border=False):
        reason = st.text_area(
            "Reason *", max_chars=MOST_REASON, height=80, placeholder="What it is needed for", key="reveal.reason"
        )
        beside(problems, "reason")
        password = ""
        if asked:
            password = st.text_input(
                "Your password *", type="password", autocomplete="off", key=f"reveal.password.{number}"
            )
            beside(problems, "password")
        sent = st.form_submit_button("Reveal", type="primary", icon=":material/visibility:")
    if problem and problem.field not in {"reason", "password"}:
        above(problem)
    st.caption(f"It is shown for {SHOWN_FOR.seconds} seconds. Who revealed it, when and why is recorded.")
    if sent:
        # A new number makes the field new, so that the password leaves the session's state.
        st.session_state[_TRY] = number + 1
        _reveal(wanted, reason or "", SecretStr(password or ""))


def _sign_in_afresh() -> None:
    st.info(
        f"Who reveals a secret must have signed in within the last {FRESH.seconds // 60} minutes. Sign in again, then "
        "come back here.",
        icon=":material/lock_clock:",
    )
    if st.button("Sign in again", type="primary", icon=":material/login:", key="reveal.afresh"):
        st.login(AFRESH)


def _wanted(names: list[str]) -> SealedSecret | None:
    of = st.selectbox("Of", [*names, _KEPT], key="reveal.of")
    found = sealed_secrets(actor(), workspace(), None if of == _KEPT else of)
    if not found:
        return None
    index = st.selectbox("Secret", range(len(found)), format_func=lambda one: str(found[one]), key=f"reveal.which.{of}")
    return found[index or 0]


def _reveal(wanted: SealedSecret, reason: str, password: SecretStr) -> None:
    st.session_state.pop(_PROBLEM, None)
    try:
        with st.spinner("Opening …"):
            revealed = reveal(actor(), workspace(), wanted, reason=reason, password=password, signed_in=signed_in_at())
    except PLAIN as error:
        st.session_state[_PROBLEM] = FieldProblem(field="form", what=str(error), mend="")
        st.rerun()
    if revealed.secret is None:
        st.session_state[_PROBLEM] = revealed.problem
    else:
        seconds = SHOWN_FOR.total_seconds()
        shown = Shown(wanted, revealed.secret, time.monotonic() + seconds)
        st.session_state[_SHOWN] = shown
        # The browser may be gone before the time is over.
        timer = threading.Timer(seconds, shown.hide)
        timer.daemon = True
        timer.start()
    st.rerun()


@st.fragment(run_every=1)
def _show(shown: Shown) -> None:
    left = shown.until - time.monotonic()
    if shown.secret is None or left <= 0:
        forget()
        st.rerun()
        return
    st.markdown(f"**{safe(shown.what.subject)}** · {safe(str(shown.what))}")
    st.code(shown.secret.get_secret_value(), language=None, wrap_lines=True)
    seconds = SHOWN_FOR.total_seconds()
    st.progress(min(left / seconds, 1.0), f"Hidden again in {left:.0f} s")
    if st.button("Hide now", icon=":material/visibility_off:"):
        forget()
        st.rerun()
