"""Short facts side by side, each under its label; an identifier has a button that copies it."""

from collections.abc import Mapping
from datetime import datetime

import streamlit as st

from dashboard.widgets.text import local, safe

_COPIED = {"Access key", "Account ID", "Billing access key", "Credentials", "Credentials ID", "ETag", "Object key"}


def show_facts(facts: Mapping[str, str | datetime], *, border: bool = False) -> None:
    """Show facts by their labels; a time in the viewer's zone."""
    with st.container(horizontal=True, border=border, gap="medium"):
        for label, value in facts.items():
            with st.container(width="content", gap=None):
                st.caption(label)
                if isinstance(value, datetime):
                    st.markdown(local(value))
                elif label in _COPIED:
                    st.code(value, language=None, wrap_lines=True)
                else:
                    st.markdown(safe(value))
