"""Who acts, and the services: opened once a process, shared by all sessions."""

from datetime import datetime

import streamlit as st
from pydantic import SecretStr

from core.domain.actor import Actor
from core.domain.regions import RegionCatalog
from core.domain.roles import Role
from core.log import start_logging
from core.outscale.regions import RegionFileError
from core.services import rights
from core.services.scope import regions_for
from core.services.sign_in import SignedIn, TurnedAway, admit
from core.services.use_case import NotAllowedError
from core.services.workspace import Workspace, open_workspace
from core.settings import Settings
from core.store.store import StoreError
from core.vault.master_key import VaultError
from dashboard import browsers


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


def people_sign_in() -> bool:
    """Whether there is a provider. Without one there is one local operator."""
    return workspace().settings.oidc_issuer is not None


def admission() -> SignedIn | TurnedAway | None:
    """The sign-in of this browser, asked about anew; nothing when there is none.

    Raises StoreError when the store refuses."""
    if not st.user.get("is_logged_in"):
        return None
    claims = {name: value for name, value in st.user.to_dict().items() if name != "tokens"}
    token = st.user.tokens.to_dict().get("access")
    found = admit(workspace(), claims, SecretStr(token) if token else None, _address())
    if isinstance(found, SignedIn):
        browsers.remember(st.context.cookies, found.id)
    return found


def actor() -> Actor:
    """The person at this screen, whose sign-in counts now; without one, the screen begins anew and says so."""
    if not people_sign_in():
        return Actor(name=workspace().settings.operator, role=Role.ADMINISTRATOR, address=_address())
    return _signed_in().actor


def signed_in_at() -> datetime | None:
    """When the person last proved to the provider who they are; nothing for the local operator. What needs a fresh
    sign-in looks here."""
    return _signed_in().proved if people_sign_in() else None


def _signed_in() -> SignedIn:
    found = admission()
    if not isinstance(found, SignedIn):
        st.rerun()
        st.stop()  # in a callback a rerun alone does not end what is under way
    return found


def _address() -> str:
    """The browser's address; empty for this machine. Behind a reverse proxy it is what a trusted one says."""
    address = st.context.ip_address
    return address if isinstance(address, str) else ""


def may(function: str) -> bool:
    """Whether the person at this screen may use a service function, such as `credentials.delete_credentials`: what
    they may not is not offered. The service itself decides."""
    return rights.may(actor().role, function)


def regions() -> RegionCatalog:
    """The Regions that the person at this screen may choose."""
    return regions_for(actor(), workspace())
