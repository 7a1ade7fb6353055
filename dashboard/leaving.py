"""What a screen forgets when somebody leaves it by any way: secrets that a dialog of it shows, and typed ones."""

from collections.abc import Callable

import streamlit as st

from dashboard import address
from dashboard.navigation import ACCESS_KEYS, ACCOUNTS, ADD_CREDENTIALS, CREDENTIALS
from dashboard.widgets import reveal
from dashboard.widgets.credentials_form import forget_secrets
from dashboard.widgets.keypairs import close_dialog
from dashboard.widgets.new_key import forget_new_key

_FORGET: dict[str, Callable[[], None]] = {
    ACCESS_KEYS.file: forget_new_key,
    ACCOUNTS.file: close_dialog,
    ADD_CREDENTIALS.file: forget_secrets,
    CREDENTIALS.file: reveal.forget,
}
_LAST = "shell.page"


def forget_when_left(page: str) -> None:
    """Forget what the screen before this one showed, when it is another. `page` is the address of this one."""
    last = st.session_state.get(_LAST)
    if last != page:
        address.leave()
        _FORGET.get(last or "", lambda: None)()
    st.session_state[_LAST] = page
