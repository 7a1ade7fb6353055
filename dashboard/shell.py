"""What is around every screen: opens the services, then runs the chosen one."""

import streamlit as st

from core.outscale.regions import RegionFileError
from core.store.store import StoreError
from core.vault.master_key import VaultError
from dashboard.leaving import forget_when_left
from dashboard.navigation import sections
from dashboard.session import workspace


def main() -> None:
    """Show the chosen screen, or why none can be."""
    st.set_page_config(page_title="OUTSCALE onboarding", page_icon=":material/cloud_done:", layout="wide")
    page = st.navigation(sections())
    forget_when_left(page.url_path)
    try:
        workspace()
        page.run()
    except (StoreError, VaultError, RegionFileError) as error:
        st.error(str(error), icon=":material/error:")
