"""What is around every screen: opens the services, lets nobody in who does not belong, then runs the chosen one."""

import streamlit as st

from core.services.sign_in import SignedIn
from dashboard import sign_in
from dashboard.leaving import forget_when_left
from dashboard.listening import open_to_others
from dashboard.navigation import nowhere, pages
from dashboard.session import PLAIN, admission, people_sign_in, workspace
from dashboard.widgets.signed_in import show_signed_in
from dashboard.widgets.text import safe


def main() -> None:
    """Show the chosen screen, or why none can be."""
    st.set_page_config(page_title="OUTSCALE onboarding", page_icon="☁️", layout="wide")
    try:
        workspace()
        if people_sign_in() and not _let_in():
            return
        if not people_sign_in() and (problem := open_to_others()):
            st.error(problem, icon=":material/error:")
            return
        page = st.navigation(pages(), expanded=True)
        forget_when_left(page.url_path)
        page.run()
    except PLAIN as error:
        st.error(safe(str(error)), icon=":material/error:")


def _let_in() -> bool:
    """Whether the person is in; what stands instead of every screen is shown otherwise."""
    found = admission()
    if isinstance(found, SignedIn):
        st.query_params.pop(sign_in.ASKED, None)
        show_signed_in(found)
        return True
    nowhere()
    forget_when_left("")
    sign_in.show(found)
    return False
