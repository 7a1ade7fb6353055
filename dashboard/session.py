"""Who acts, and the services: opened once a process, shared by all sessions."""

import streamlit as st

from core.domain.actor import Actor
from core.domain.roles import Role
from core.log import start_logging
from core.services.workspace import Workspace, open_workspace
from core.settings import Settings


@st.cache_resource(show_spinner=False)
def workspace() -> Workspace:
    """The opened program. Holds nobody's input, so that sessions may share it.

    Raises StoreError or VaultError, each with one line for the user."""
    settings = Settings()
    opened = open_workspace(settings)
    start_logging(settings, "dashboard")
    return opened


def actor() -> Actor:
    """The person at this screen."""
    return Actor(name=workspace().settings.operator, via="screen", role=Role.ADMINISTRATOR)
