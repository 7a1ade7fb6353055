"""The dashboard's server: Streamlit, a way for files, and everything that the first screen needs already there.

    python -m dashboard.serve --server.port 8501

Streamlit imports an app's modules when its first visitor comes, who waits for that; here it is done before the server
answers."""

import argparse
import contextlib
import gc
import importlib
import os
import pkgutil
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

import core.outscale
import core.services
import dashboard.widgets
from core.outscale.regions import RegionFileError
from core.services import cost_engine
from core.settings import Settings
from core.store.store import StoreError
from core.vault.master_key import VaultError
from dashboard import handover
from dashboard.guard import Guard
from dashboard.listening import server_config
from dashboard.provider import CookieKeyError, auth_section
from dashboard.session import workspace

_APP = Path(__file__).with_name("app.py")


def prepare() -> None:
    """Import the services and the widgets, and open the workspace that every session shares.

    A store or vault that cannot be used is said by the first screen, in the same words."""
    for package in (core.outscale, core.services, dashboard.widgets):
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            importlib.import_module(module.name)
    importlib.import_module("pandas")
    cost_engine.make_ready()
    with contextlib.suppress(StoreError, VaultError, RegionFileError):
        workspace()
    gc.collect()
    gc.freeze()  # what is there now stays: later collections, which hold up the screens, need not look at it


def main() -> None:
    """Serve until the process is told to end."""
    options = argparse.ArgumentParser(prog="python -m dashboard.serve")
    options.add_argument("--server.port", dest="port", type=int, required=True, help="Port to listen at.")
    port = options.parse_args().port
    settings = Settings()
    if settings.address_problem:
        raise SystemExit(settings.address_problem)
    prepare()
    try:
        secrets = auth_section(settings)
    except CookieKeyError as error:
        raise SystemExit(str(error)) from None
    # Read by uvicorn: whose word on a browser's address is taken.
    os.environ["FORWARDED_ALLOW_IPS"] = settings.trusted_proxies if secrets else ""
    app = st.App(_APP, routes=[handover.ROUTE], middleware=[Middleware(Guard)], secrets=secrets)
    app.run(config=server_config(settings, port))


if __name__ == "__main__":
    main()
