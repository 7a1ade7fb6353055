"""The screen Help: searched by a code and by a word, by everybody, also from an address."""

import pytest
from streamlit.testing.v1 import AppTest

from core.domain.credentials import ACCESS_KEY_RULE, ACCOUNT_ID_RULE, BUCKET_RULE, NAME_RULE
from core.domain.proxy import PROXY_RULE
from core.domain.roles import Role
from core.services.credentials import check_again
from core.services.workspace import Workspace
from dashboard.navigation import ADD_CREDENTIALS, HELP, HOME, SCREENS, Screen, path
from dashboard.widgets.text import safe
from tests.screens.conftest import APP, fill, follow, ran, words
from tests.services.conftest import ACTOR, project_row, projects, stored


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


@pytest.mark.parametrize("which", SCREENS, ids=lambda one: one.file)
def test_every_screen_says_what_it_is_for_under_its_title(screen, which: Screen) -> None:
    app = screen(which)
    first = [one for one in app.main if one.type in ("title", "caption", "markdown", "info", "subheader")][:2]
    assert [one.type for one in first] == ["title", "caption"]
    said = first[1].value
    assert 20 < len(said) < 130 and said.endswith(".")


def test_the_fields_of_the_form_say_their_rule(screen) -> None:
    app = screen(ADD_CREDENTIALS)
    helps = {one.label: one.help for kind in ("text_input", "selectbox") for one in getattr(app, kind)}
    assert helps["Account ID"] == ACCOUNT_ID_RULE
    assert helps["Access key"] == ACCESS_KEY_RULE
    assert helps["Secret key"] and helps["Region"]
    said = words(app)
    assert NAME_RULE in said
    assert safe(PROXY_RULE) in said
    app.checkbox[0].set_value(True)
    helps = {one.label: one.help for one in ran(app.run()).text_input}
    assert helps["Name"] == BUCKET_RULE and helps["Billing access key *"] == ACCESS_KEY_RULE


def test_the_code_of_a_failed_check_leads_to_its_entry(screen, workspace: Workspace, sandbox) -> None:
    stored(workspace, projects(project_row(sandbox.account(0))))
    sandbox.fault("restrict", account_id=sandbox.account(0)["account_id"])
    check_again(ACTOR, workspace, ["demo"])
    app = screen(HOME)
    follow(app, "Credentials")
    assert app.title[0].value == "Credentials"
    found = " ".join(app.table[0].value["What was checked and found"])
    assert r"\([code 14](help?q=14)\)" in found and "code 14" not in found.replace("[code 14]", "")
