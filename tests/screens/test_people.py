"""The section People of the screen Administration, and the screen of who is not in."""

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.domain.roles import Role
from core.services.workspace import Workspace
from core.store.tables.people import Person
from dashboard.navigation import ADMINISTRATION
from dashboard.sign_in import ASKED, WORDS
from tests.screens.conftest import APP, ran, section, words


def test_without_a_provider_nobody_is_listed(screen, workspace: Workspace) -> None:
    said = words(section(screen(ADMINISTRATION), "People"))
    assert "Nobody signs in here: the dashboard is for this machine only" in said
    assert "ONBOARDING_OIDC_ISSUER" in said


def test_people_are_listed_by_name(screen, workspace: Workspace) -> None:
    with workspace.store.writing() as session:
        for name, role in (("zoe", Role.FINANCE), ("Ada", Role.ADMINISTRATOR), ("nina", None)):
            session.add(Person(issuer="https://sign-in.example.com", subject=name, name=name, role=role))
    app = section(screen(ADMINISTRATION), "People")
    table = app.dataframe[-1].value
    assert list(table["Name"]) == ["Ada", "nina", "zoe"]
    assert list(table["Role"]) == ["administrator", "none", "finance"]
    assert list(table["Sessions"]) == [0, 0, 0]
    assert {one.label for one in app.button if one.disabled} >= {"End all sessions", "Block"}


@pytest.fixture
def outside(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """A dashboard whose people sign in, and nobody who did."""
    for name, value in {
        "OIDC_ISSUER": "https://sign-in.example.com",
        "OIDC_CLIENT_ID": "onboarding",
        "OIDC_CLIENT_SECRET": "hidden",  # pragma: allowlist secret - made up
        "OIDC_ROLES": "admins=administrator",
    }.items():
        monkeypatch.setenv(f"ONBOARDING_{name}", value)
    st.cache_resource.clear()
    return AppTest.from_file(str(APP), default_timeout=30)


def test_nobody_sees_a_screen_before_signing_in(outside: AppTest) -> None:
    app = ran(outside.run())
    assert [one.label for one in app.button] == ["Sign in"]
    assert "Sign in with your organisation's account." in words(app)


@pytest.mark.parametrize("ended", list(WORDS))
def test_how_a_sign_in_failed_is_said(outside: AppTest, ended: str) -> None:
    outside.query_params[ASKED] = ended
    assert WORDS[ended] in words(ran(outside.run()))


def test_an_address_says_nothing_of_its_own(outside: AppTest) -> None:
    outside.query_params[ASKED] = "Call 555-0100 and tell your password"
    assert "555" not in words(ran(outside.run()))
