"""What is around every screen: opens the services, then runs the chosen one."""

import streamlit as st

from dashboard.navigation import sections
from dashboard.session import PLAIN
from dashboard.widgets.text import safe


def main() -> None:
    """Show the chosen screen, or why none can be."""
    st.set_page_config(page_title="OUTSCALE onboarding", page_icon=":material/cloud_done:", layout="wide")
    try:
        st.navigation(sections()).run()
    except PLAIN as error:
        st.error(safe(str(error)), icon=":material/error:")
