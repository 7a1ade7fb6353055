"""The screen Help: searched by a code and by a word, by everybody, also from an address."""

import pytest
from streamlit.testing.v1 import AppTest

from core.domain.roles import Role
from dashboard.navigation import HELP, path
from tests.screens.conftest import APP, fill, ran, words


@pytest.mark.parametrize("role", list(Role))
def test_everybody_searches(screen, as_role, role: Role) -> None:
    as_role(role)
    app = screen(HELP)
    said = words(app)
    assert "**EIM user**" in said and "12 digits" in said
    said = words(fill(app, "Search", "14"))
    assert "**Code 14**" in said and "access rule" in said and "ErrorUnmatchedApiAccessRules" in said
    assert "add the public address" in said.lower(), "it says what to do"
    assert "EIM user**" not in said


def test_words_are_found_in_every_section(screen) -> None:
    app = fill(screen(HELP), "Search", "signature secret")
    said = words(app)
    assert "SignatureDoesNotMatch" in said and "**Code 1**" in said and "**Signature**" in said
    assert "entries found" in said


def test_nothing_found_says_so(screen) -> None:
    app = fill(screen(HELP), "Search", "zebra *x*")
    assert r"Nothing here has **zebra \*x\*** in it" in words(app)


def test_the_codes_are_listed_by_section(screen) -> None:
    app = screen(HELP)
    app.segmented_control(key="help.section").set_value("Storage codes")
    said = words(ran(app.run()))
    assert "NoSuchBucket" in said and "**Code 1**" not in said


def test_many_are_cut(screen) -> None:
    app = fill(screen(HELP), "Search", "invalid")
    assert "more: add a word" in words(app)


def test_an_address_carries_the_search(screen) -> None:
    app = AppTest.from_file(str(APP), default_timeout=30)
    app.run()
    app.query_params["q"] = "NoSuchBucket"
    app.switch_page(str(path(HELP)))
    said = words(ran(app.run()))
    assert "NoSuchBucket" in said and "1 entry found" in said
