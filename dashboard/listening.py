"""How the dashboard's server listens: what `.streamlit/config.toml` says, from whatever folder it is started, and the
addresses of the settings."""

import tomllib
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import streamlit as st
from streamlit import runtime

from core.settings import Settings

_FILE = Path(__file__).parents[1] / ".streamlit" / "config.toml"


def server_config(settings: Settings, port: int) -> dict[str, Any]:
    """Streamlit's options. Requests that name another host than the dashboard's are refused, so that no page of the
    internet gets at a dashboard of this machine under a name of its own."""
    hosts = {"localhost", "127.0.0.1", "::1", settings.address, urlsplit(settings.browser_address).hostname or ""}
    return _flat(tomllib.loads(_FILE.read_text())) | {
        "server.port": port,
        "server.address": settings.address,
        "server.allowedHosts": sorted(hosts - {""}),
    }


def open_to_others() -> str | None:
    """Why nothing is shown, when Streamlit was started by hand at an address that others reach."""
    if not runtime.exists():
        return None
    address = st.get_option("server.address")
    try:
        loopback = address == "localhost" or ip_address(address or "0.0.0.0").is_loopback  # noqa: S104 - what no address means # nosec B104
    except ValueError:
        loopback = False
    if loopback:
        return None
    return "Without sign-in the dashboard is for this machine only. Start it with `onboarding run`."


def _flat(options: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in options.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat
