"""Screens run as Streamlit runs them, in front of a home of their own and the session's sandbox."""

import importlib
import pkgutil
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

import dashboard.widgets
from core.domain.actor import Actor
from core.domain.roles import Role
from core.services.workspace import Workspace, open_workspace
from core.settings import Settings
from dashboard import session
from dashboard.navigation import SCREENS, Screen, path

APP = Path(__file__).parents[2] / "dashboard" / "app.py"


@pytest.fixture(scope="session", autouse=True)
def components_known() -> Iterator[None]:
    """Streamlit looks through all installed packages for components once a server, and AppTest at every run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture
def workspace(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """The workspace of the test's home, which the screens open too."""
    monkeypatch.setenv("ONBOARDING_HOME", str(settings.home))
    monkeypatch.setenv("ONBOARDING_SANDBOX_PORT", str(settings.sandbox_port))
    st.cache_resource.clear()
    opened = open_workspace(settings)
    yield opened
    opened.close()
    st.cache_resource.clear()


@pytest.fixture
def screen(workspace: Workspace) -> Callable[..., AppTest]:
    """Open the dashboard at a screen, at an address that says something."""

    def show(which: Screen, **says: str | list[str]) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=30)
        app.run()
        assert not app.exception, app.exception
        app.switch_page(str(path(which)))
        app.query_params = dict(says)
        return ran(app.run())

    return show


@pytest.fixture
def as_role(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Callable[[Role], Actor]:
    """Put somebody of a role in front of the screens, until another one is put there."""
    for module in pkgutil.walk_packages(dashboard.widgets.__path__, "dashboard.widgets."):
        importlib.import_module(module.name)
    actor = session.actor
    places = [module for module in list(sys.modules.values()) if getattr(module, "actor", None) is actor]
    assert session in places

    def put(role: Role) -> Actor:
        person = Actor(name=f"{role}", role=role)
        for place in places:
            monkeypatch.setattr(place, "actor", lambda: person)
        return person

    return put


def section(app: AppTest, name: str) -> AppTest:
    """Turn to a section of the screen Administration."""
    app.segmented_control(key="administration.view").set_value(name)
    return ran(app.run())


def ran(app: AppTest) -> AppTest:
    """The app, once no exception is on it."""
    assert not app.exception, [one.value for one in app.exception]
    return app


def press(app: AppTest, label: str) -> AppTest:
    """Press the one button of this label."""
    (button,) = [one for one in app.button if one.label == label]
    return ran(button.click().run())


def follow(app: AppTest, label: str, index: int = 0) -> AppTest:
    """Follow the n-th link of this label to another screen."""
    found = [one.proto for one in app.page_link if one.value == label][index]
    assert not found.disabled
    (screen,) = [one for one in SCREENS if one.file == found.page]
    app.switch_page(str(path(screen)))
    app.query_params = parse_qs(found.query_string, keep_blank_values=True)
    return ran(app.run())


def fill(app: AppTest, label: str, value: str, index: int = 0) -> AppTest:
    """Type into the n-th text field of this label."""
    fields = [one for one in app.text_input if one.label == label]
    return ran(fields[index].set_value(value).run())


def write(app: AppTest, label: str, value: str) -> None:
    """Type into a text field of a form, which is sent with its button."""
    (field,) = [one for one in app.text_input if one.label == label]
    field.set_value(value)


def choose(app: AppTest, label: str, value: object, index: int = 0) -> AppTest:
    """Choose in the n-th selection of this label."""
    fields = [one for one in app.selectbox if one.label == label]
    return ran(fields[index].set_value(value).run())


def settled(app: AppTest, job: str, seconds: float = 30) -> AppTest:
    """Run the screen until the work under this name is over and taken."""
    deadline = time.monotonic() + seconds
    while job in app.session_state:
        assert time.monotonic() < deadline, "the work did not end"
        time.sleep(0.05)
        ran(app.run())
    return app


def settled_when(app: AppTest, done: Callable[[], bool], seconds: float = 30) -> AppTest:
    """Run the screen until something is so."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.1)
        ran(app.run())
    return app


def words(app: AppTest) -> str:
    """Everything the screen says."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "error", "warning", "info", "success")
    return "\n".join(str(one.value) for kind in kinds for one in getattr(app, kind))


def pick(app: AppTest, table: str, row: int) -> AppTest:
    """Select a row of the table whose key begins like this."""
    (key,) = [one.key for one in app.dataframe if one.key and one.key.startswith(table)]
    app.session_state[key] = {"selection": {"rows": [row], "columns": [], "cells": []}}
    return ran(app.run())
