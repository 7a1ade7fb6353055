"""Who acts, and the services: opened once a process, shared by all sessions."""

import streamlit as st

from core.domain.actor import Actor
from core.domain.regions import RegionCatalog
from core.domain.roles import Role
from core.log import start_logging
from core.outscale.regions import RegionFileError
from core.services import rights
from core.services.scope import regions_for
from core.services.use_case import NotAllowedError
from core.services.workspace import Workspace, open_workspace
from core.settings import Settings
from core.store.store import StoreError
from core.vault.master_key import VaultError


@st.cache_resource(show_spinner=False)
def workspace() -> Workspace:
    """The opened program. Holds nobody's input, so that sessions may share it.

    Raises StoreError or VaultError, each with one line for the user."""
    settings = Settings()
    opened = open_workspace(settings)
    start_logging(settings, "dashboard")
    return opened


PLAIN = (StoreError, VaultError, RegionFileError, NotAllowedError)
"""Errors whose text is one line for the person."""


def actor() -> Actor:
    """The person at this screen."""
    return Actor(name=workspace().settings.operator, via="screen", role=Role.ADMINISTRATOR)


def may(function: str) -> bool:
    """Whether the person at this screen may use a service function, such as `credentials.delete_credentials`: what
    they may not is not offered. The service itself decides."""
    return rights.may(actor().role, function)


def regions() -> RegionCatalog:
    """The Regions that the person at this screen may choose."""
    return regions_for(actor(), workspace())
