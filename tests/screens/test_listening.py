"""Streamlit started by hand: without sign-in nothing is shown at an address that others reach."""

import pytest
import streamlit as st

from dashboard import navigation


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.7", "dashboard.example", "", None])  # noqa: S104
def test_nothing_is_shown_to_others(screen, monkeypatch: pytest.MonkeyPatch, address: str | None) -> None:
    monkeypatch.setattr(st, "get_option", {"server.address": address}.get)
    app = screen(navigation.HOME)
    assert [one.value for one in app.error] == [
        "Without sign-in the dashboard is for this machine only. Start it with `onboarding run`."
    ]
    assert not app.title and not app.button


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost"])
def test_this_machine_is_shown_the_screen(screen, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setattr(st, "get_option", {"server.address": address}.get)
    app = screen(navigation.HOME)
    assert not app.error and app.title
