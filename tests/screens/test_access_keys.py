"""The screen Access keys: password or stored key, the list, a key made, changed, rotated, deleted; lost ones found."""

from datetime import UTC, datetime, timedelta

import pytest

from core.services import key_intents
from core.services.access_keys import create_key, delete_key, list_keys
from core.services.rotation import list_rotations
from core.services.workspace import Workspace
from dashboard.navigation import ACCESS_KEYS, ADD_CREDENTIALS, path
from tests.screens.conftest import choose, fill, press, ran, settled, words, write
from tests.services.conftest import ACTOR, kept_here, project_row, projects, stored
from tests.services.test_access_keys import lose_the_answer
from tests.services.test_access_keys import opened as door_of

OTHER = "Another account …"


@pytest.fixture
def account(workspace: Workspace, sandbox):
    """An account; keys that the test made are deleted after it."""
    account = sandbox.account(2)
    door = door_of(workspace, account)
    before = {key.access_key for key in list_keys(ACTOR, workspace, door).keys}
    yield account
    door = door_of(workspace, account)
    for key in list_keys(ACTOR, workspace, door).keys:
        if key.access_key not in before:
            delete_key(ACTOR, workspace, door, key.access_key, key.access_key)


def opened(screen, account: dict):
    app = screen(ACCESS_KEYS)
    choose(app, "Account", OTHER)
    write(app, "Email of the account", account["email"])
    (region,) = [one for one in app.selectbox if one.label == "Region"]
    region.set_value(account["region"])
    write(app, "Current password", account["password"])
    return press(app, "Confirm")


def keys_on(app) -> list[str]:
    return list(app.dataframe[-1].value["Access key"])


def select(app, access_key: str):
    """Select a key in the table."""
    shown = keys_on(app)
    name = f"access_keys.table.{'.'.join(key[-4:] for key in shown)}"
    app.session_state[name] = {"selection": {"rows": [shown.index(access_key)], "columns": [], "cells": []}}
    return ran(app.run())


def made(app) -> tuple[str, str]:
    """Create a key; its id and its secret."""
    press(app, "Create")
    press(app, "Generate")
    access_key, secret_key = (one.value for one in app.code)
    assert (len(access_key), len(secret_key)) == (20, 40)
    assert secret_key not in repr(app.session_state)
    return access_key, secret_key


def test_a_key_is_made_shown_once_and_carried_on(screen, workspace: Workspace, account) -> None:
    app = opened(screen, account)
    assert account["access_keys"][0]["access_key_id"] in keys_on(app)
    assert account["password"] not in repr(app.session_state)
    access_key, secret_key = made(app)
    press(app, "Use in Add credentials")
    app.switch_page(str(path(ADD_CREDENTIALS)))
    ran(app.run())
    fields = {one.label: one.value for one in app.text_input}
    assert (fields["Access key"], fields["Secret key"]) == (access_key, secret_key)
    assert fields["Account ID"] == account["account_id"]
    assert kept_here(workspace, account["region"]) == {access_key}


def test_a_secret_that_was_not_taken_waits(screen, workspace: Workspace, account) -> None:
    app = opened(screen, account)
    access_key, secret_key = made(app)
    again = screen(ACCESS_KEYS)  # the browser was closed
    assert "secret was not taken yet" in words(again)
    assert secret_key not in words(again)
    press(again, "Show it")
    assert [one.value for one in again.code] == [access_key, secret_key]
    press(again, "I have it")
    assert "not taken yet" not in words(again)
    assert not again.code


def test_a_lost_key_is_found_and_revoked(
    screen, workspace: Workspace, account, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = door_of(workspace, account)
    before = {key.access_key for key in list_keys(ACTOR, workspace, door).keys}
    with monkeypatch.context() as lost:
        lose_the_answer(lost)
        assert create_key(ACTOR, workspace, door).problem
    app = opened(screen, account)
    assert "nobody holds the secret of" in words(app)
    press(app, "Look for it")
    assert "may still be under way" in words(app)
    monkeypatch.setattr(key_intents, "now", lambda: datetime.now(UTC) + timedelta(minutes=1))
    press(app, "Look for it")
    press(app, "Revoke it")
    assert "nobody holds the secret of" not in words(app)
    assert set(keys_on(app)) == before


def test_a_wrong_password_keeps_the_email(screen, workspace: Workspace, sandbox) -> None:
    account = sandbox.account(1)
    app = opened(screen, account | {"password": "wrong"})
    assert "At most 3 more tries" in words(app)
    fields = {one.label: one.value for one in app.text_input}
    assert fields["Email of the account"] == account["email"]
    assert fields["Current password"] == ""
    write(app, "Current password", account["password"])
    press(app, "Confirm")
    assert len(app.dataframe) == 1


def test_search_and_close(screen, workspace: Workspace, account) -> None:
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
    assert account["access_keys"][0]["access_key_id"] in keys_on(app)


def test_a_key_is_switched_changed_and_deleted(screen, workspace: Workspace, account) -> None:
    app = opened(screen, account)
    access_key, _ = made(app)
    press(app, "I have it")
    select(app, access_key)
    press(app, "Deactivate")
    (confirm,) = [one for one in app.button if one.key == "key.deactivate"]
    ran(confirm.click().run())
    assert "is INACTIVE now" in words(app)
    select(app, access_key)
    press(app, "Activate")
    assert "is ACTIVE now" in words(app)
    select(app, access_key)
    press(app, "Change")
    app.text_input(key="key.tag").set_value("for the tests")
    press(app, "Save")
    frame = app.dataframe[-1].value.set_index("Access key")
    assert frame.loc[access_key, "Tag"] == "for the tests"
    assert frame.loc[access_key, "Expires"] != "never"
    select(app, access_key)
    press(app, "Delete")
    app.text_input(key="key.typed").set_value("something else")
    ran(app.button(key="key.delete").click().run())
    assert "This is not the access key" in words(app)
    app.text_input(key="key.typed").set_value(access_key)
    ran(app.button(key="key.delete").click().run())
    assert access_key not in keys_on(app)


def test_a_key_is_rotated_and_brought_back(screen, workspace: Workspace, account) -> None:
    app = opened(screen, account)
    access_key, secret_key = made(app)
    press(app, "I have it")
    stored(workspace, projects(project_row(account, access_key=access_key, secret_key=secret_key), name="rotated"))
    press(app, "Read again")
    select(app, access_key)
    press(app, "Rotate")
    assert "Used by rotated" in words(app)
    ran(app.button(key="rotation.begin").click().run())
    settled(app, "access_keys.rotation")
    assert "replaced" in words(app)
    [rotation] = list_rotations(ACTOR, workspace)
    assert rotation.step == "wait"
    frame = app.dataframe[-1].value.set_index("Access key")
    assert (frame.loc[access_key, "State"], frame.loc[rotation.new_key, "Used by"]) == ("INACTIVE", "rotated")
    settled(press(app, "Bring the old key back"), "access_keys.rotation")
    frame = app.dataframe[-1].value.set_index("Access key")
    assert (frame.loc[access_key, "State"], frame.loc[access_key, "Used by"]) == ("ACTIVE", "rotated")
    assert rotation.new_key not in frame.index
    assert "is back" in words(app)


def test_a_stored_key_opens_and_another_screen_may_ask_for_it(screen, workspace: Workspace, account) -> None:
    stored(workspace, projects(project_row(account)))
    app = screen(ACCESS_KEYS)
    app.segmented_control(key="access_keys.way").set_value("Stored key")
    ran(app.run())
    press(app, "Open")
    assert account["access_keys"][0]["access_key_id"] in keys_on(app)
    assert "signed by" in words(app)
    assert app.query_params == {"account": f"{account['account_id']}.{account['region']}"}
    press(app, "Close")
    assert app.query_params == {}
    app = screen(ACCESS_KEYS, account=f"{account['account_id']}.{account['region']}")
    assert account["access_keys"][0]["access_key_id"] in keys_on(app)
