"""The screen of who is not in: sign in, or why not, and what to do."""

from urllib.parse import urlsplit

import streamlit as st
from streamlit.errors import StreamlitAPIException, StreamlitAuthError

from core.services.sign_in import TurnedAway
from dashboard.session import workspace
from dashboard.widgets.text import safe

ASKED = "sign_in"
"""Parameter of the address by which the server says how a sign-in ended."""
WORDS = {
    "unreachable": "The sign-in provider does not answer. Try again in a few minutes; when it goes on, tell whoever "
    "runs the provider. Who is signed in already may work on.",
    "denied": "The sign-in provider did not let you in, or the sign-in was cancelled there. Try again, or ask whoever "
    "runs the provider for access.",
    "stale": "This sign-in was used before, or it took too long. Nobody was signed in by it. Sign in again.",
    "expired": "The sign-in failed: the provider's token was over already. When it happens again, compare the clocks "
    "of the provider and of this server.",
    "untrusted": "The sign-in failed: the provider's answer is not to be trusted, because its signature or its content "
    "is wrong. Nobody was signed in; it was recorded. Try again, and tell an administrator when it happens again.",
    "failed": "The sign-in failed. Nobody was signed in; it was recorded. Try again, and tell an administrator when it "
    "happens again.",
}


def show(found: TurnedAway | None) -> None:
    """Show the screen: for nobody, or for somebody whose sign-in does not count."""
    _, middle, _ = st.columns([1, 2, 1])
    with middle, st.container(border=True):
        st.title("OUTSCALE onboarding")
        ended = WORDS.get(st.query_params.get(ASKED, ""))
        if ended and found is None:
            st.error(ended, icon=":material/error:")
        if found:
            st.error(safe(found.text), icon=":material/block:")
            st.caption(f"Signed in at the provider as {safe(found.name)}.")
        elif not ended:
            st.markdown("Sign in with your organisation's account.")
        elsewhere = _elsewhere()
        if elsewhere:
            st.info("The dashboard is opened at another address. Sign in there.", icon=":material/link:")
            st.link_button("Open it there", elsewhere, type="primary", icon=":material/open_in_new:")
            return
        with st.container(horizontal=True):
            if st.button("Sign in", type="primary", icon=":material/login:"):
                _sign_in()
            if found and st.button("Sign out", icon=":material/logout:"):
                st.logout()


def _sign_in() -> None:
    st.query_params.pop(ASKED, None)
    try:
        st.login()
    except (StreamlitAuthError, StreamlitAPIException):
        st.error(
            "Sign-in works only when `onboarding run` started the dashboard. Start it so.", icon=":material/error:"
        )


def _elsewhere() -> str | None:
    """The dashboard's address when the browser opened another one, from which a sign-in would not find back."""
    wanted, opened = workspace().settings.browser_address, urlsplit(st.context.url or "")
    return wanted if opened.netloc and f"{opened.scheme}://{opened.netloc}" != wanted else None
