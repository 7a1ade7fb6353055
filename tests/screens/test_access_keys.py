"""The screen Access keys: password, list, a key made and carried on."""

from core.services.access_keys import kept_keys
from core.services.workspace import Workspace
from dashboard.navigation import ACCESS_KEYS
from tests.screens.conftest import choose, fill, press, ran, words, write
from tests.services.conftest import ACTOR

OTHER = "Another account …"


def opened(screen, account: dict):
    app = screen(ACCESS_KEYS)
    choose(app, "Account", OTHER)
    write(app, "Email of the account", account["email"])
    (region,) = [one for one in app.selectbox if one.label == "Region"]
    region.set_value(account["region"])
    write(app, "Current password", account["password"])
    return press(app, "Confirm")


def state_text(app) -> str:
    return repr(app.session_state)


def test_a_key_is_made_shown_once_and_carried_on(screen, workspace: Workspace, sandbox) -> None:
    account = sandbox.account(2)
    app = opened(screen, account)
    assert account["access_keys"][0]["access_key_id"] in list(app.dataframe[0].value["Access key"])
    assert account["password"] not in state_text(app)
    press(app, "Create")
    press(app, "Generate")
    access_key, secret_key = (one.value for one in app.code)
    assert (len(access_key), len(secret_key)) == (20, 40)
    assert secret_key not in state_text(app)
    press(app, "Keep sealed here")
    assert kept_keys(ACTOR, workspace, account["region"]) == {access_key}
    press(app, "Use in Add credentials")
    fields = {one.label: one.value for one in app.text_input}
    assert (fields["Access key"], fields["Secret key"]) == (access_key, secret_key)
    assert fields["Account ID"] == account["account_id"]


def test_a_wrong_password_keeps_the_email(screen, workspace: Workspace, sandbox) -> None:
    account = sandbox.account(1)
    app = opened(screen, account | {"password": "wrong"})
    assert "password" in words(app)
    fields = {one.label: one.value for one in app.text_input}
    assert fields["Email of the account"] == account["email"]
    assert fields["Current password"] == ""
    write(app, "Current password", account["password"])
    press(app, "Confirm")
    assert len(app.dataframe) == 1


def test_search_and_close(screen, workspace: Workspace, sandbox) -> None:
    account = sandbox.account(1)
    app = opened(screen, account)
    fill(app, "Search", "no such key")
    assert "No key matches" in words(app)
    press(app, "Close")
    assert [one for one in app.text_input if one.label == "Current password"]
    ran(app)


def test_a_demo_account_is_chosen(screen, workspace: Workspace, sandbox) -> None:
    account = sandbox.account(0)
    app = screen(ACCESS_KEYS)
    choose(app, "Account", f"{account['email']} · {account['region']}")
    write(app, "Current password", account["password"])
    press(app, "Confirm")
    assert account["access_keys"][0]["access_key_id"] in list(app.dataframe[0].value["Access key"])
