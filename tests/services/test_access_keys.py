"""Access keys opened by the password, listed, created, kept."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr
from sqlmodel import select

from core.services import access_keys
from core.services.access_keys import (
    close_account,
    create_key,
    is_open,
    keep_key,
    kept_keys,
    kept_secret,
    known_accounts,
    list_keys,
    open_account,
)
from core.services.workspace import Workspace
from core.store.tables import KeyIntent
from tests.services.conftest import ACTOR


@pytest.fixture
def account(sandbox) -> dict:
    return sandbox.account(1)


def opened_door(workspace: Workspace, account: dict):
    opened = open_account(ACTOR, workspace, account["email"], SecretStr(account["password"]), account["region"])
    assert opened.door, opened.problem
    return opened.door


def test_the_password_opens_the_list(workspace: Workspace, account) -> None:
    opened = open_account(ACTOR, workspace, account["email"], SecretStr(account["password"]), account["region"])
    assert opened.door
    assert account["access_keys"][0]["access_key_id"] in [key.access_key_id for key in opened.keys]
    assert known_accounts(ACTOR, workspace)[0].email == account["email"]
    assert account["password"] not in repr(opened)
    close_account(opened.door)
    assert not is_open(opened.door)
    assert list_keys(ACTOR, workspace, opened.door).problem


def test_a_wrong_password_is_named_and_tried_once(workspace: Workspace, account) -> None:
    opened = open_account(ACTOR, workspace, account["email"], SecretStr("not the password"), account["region"])
    assert opened.door is None
    assert opened.problem
    assert "password" in opened.problem.what
    assert opened_door(workspace, account)


def test_the_password_is_held_for_five_minutes(workspace: Workspace, account, monkeypatch: pytest.MonkeyPatch) -> None:
    door = opened_door(workspace, account)
    monkeypatch.setattr(access_keys, "now", lambda: datetime.now(UTC) + timedelta(minutes=5, seconds=1))
    assert not is_open(door)
    assert create_key(ACTOR, workspace, door).problem


def test_a_key_is_created_active_and_recorded(workspace: Workspace, account) -> None:
    door = opened_door(workspace, account)
    day = datetime.now(UTC).date() + timedelta(days=90)
    created = create_key(ACTOR, workspace, door, expires=day, tag="ci")
    assert created.key, created.problem
    assert created.key.state == "ACTIVE"
    assert created.account_id == account["account_id"]
    listed = {key.access_key_id: key for key in list_keys(ACTOR, workspace, door).keys}
    assert listed[created.key.access_key_id].expiration_date.date() == day
    with workspace.store.reading() as session:
        intent = session.exec(select(KeyIntent)).one()
    assert (intent.outcome, intent.access_key) == ("created", created.key.access_key_id)
    assert created.key.secret_key.get_secret_value() not in repr(created)


def test_a_lost_answer_leaves_the_intent_open(workspace: Workspace, account, sandbox) -> None:
    door = opened_door(workspace, account)
    sandbox.fault("cut")
    created = create_key(ACTOR, workspace, door)
    assert created.key is None
    assert "may have been created" in created.problem.what
    with workspace.store.reading() as session:
        assert session.exec(select(KeyIntent)).one().ended is None


def test_a_secret_is_kept_on_request(workspace: Workspace, account) -> None:
    door = opened_door(workspace, account)
    key = create_key(ACTOR, workspace, door).key
    assert key
    assert kept_keys(ACTOR, workspace, door.region) == set()
    keep_key(ACTOR, workspace, key, door.region, account["account_id"])
    keep_key(ACTOR, workspace, key, door.region, account["account_id"])
    assert kept_keys(ACTOR, workspace, door.region) == {key.access_key_id}
    assert kept_secret(ACTOR, workspace, key.access_key_id, door.region) == key.secret_key
    assert kept_secret(ACTOR, workspace, key.access_key_id, "eu-west-2") is None
