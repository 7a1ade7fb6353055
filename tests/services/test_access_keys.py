"""Access keys behind a door: listed, created, changed, deleted; their secrets never lost."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr
from sqlmodel import select

from core.services import doors, key_intents
from core.services.access_keys import Created, change_key, create_key, delete_key, list_keys, list_users
from core.services.doors import Door, close_door, is_open, known_accounts, open_with_key, open_with_password
from core.services.kept_keys import kept_secret
from core.services.key_rules import KEYS_PER_USER
from core.services.key_views import deletion_warnings
from core.services.workspace import Workspace
from core.store.tables.access_keys import KeyIntent
from core.store.tables.accounts import Account
from tests.services.conftest import ACTOR, kept_here, project_row, projects, stored

DAY = timedelta(days=1)


@pytest.fixture
def account(sandbox) -> dict:
    return sandbox.account(1)


@pytest.fixture
def door(workspace: Workspace, account) -> Door:
    return opened(workspace, account)


@pytest.fixture
def made(workspace: Workspace, door: Door):
    """Creates keys, and deletes them after the test."""
    keys: list[str] = []

    def make(**options) -> Created:
        created = create_key(ACTOR, workspace, door, **options)
        assert created.key, created.problem
        keys.append(created.key.access_key_id)
        return created

    yield make
    door = Door("", door.region, door.email) if not is_open(door) else door
    for key in keys:
        delete_key(ACTOR, workspace, door, key, key)


def opened(workspace: Workspace, account: dict) -> Door:
    found = open_with_password(ACTOR, workspace, account["email"], SecretStr(account["password"]), account["region"])
    assert found.door, found.problem
    return found.door


def key_of(workspace: Workspace, door: Door, access_key: str):
    return next((key for key in list_keys(ACTOR, workspace, door).keys if key.access_key == access_key), None)


def test_the_password_opens_the_list(workspace: Workspace, account, door: Door) -> None:
    listed = list_keys(ACTOR, workspace, door)
    assert account["access_keys"][0]["access_key_id"] in [key.access_key for key in listed.keys]
    assert known_accounts(ACTOR, workspace)[0].email == account["email"]
    assert account["password"] not in repr(door) + repr(doors._passwords)
    close_door(door)
    assert not is_open(door)
    assert list_keys(ACTOR, workspace, door).problem


def test_a_wrong_password_says_how_many_tries_are_left_and_is_not_sent_twice(
    workspace: Workspace, account, sandbox
) -> None:
    def knock(password: str):
        return open_with_password(ACTOR, workspace, account["email"], SecretStr(password), account["region"]).problem

    first = knock("not the password")
    assert first and first.field == "password"
    assert "At most 3 more tries" in first.mend
    again = knock("not the password")
    assert again and "not sent again" in again.what
    assert "At most 2 more tries" in knock("another wrong one").mend
    assert opened(workspace, account)  # a right one ends the counting
    assert "At most 3 more tries" in knock("a third wrong one").mend
    sandbox.clear()


def test_a_locked_account_is_named(workspace: Workspace, account, sandbox) -> None:
    sandbox.fault("lock", account_id=account["account_id"])
    found = open_with_password(ACTOR, workspace, account["email"], SecretStr(account["password"]), account["region"])
    assert found.problem and "locked" in found.problem.what.lower()
    assert "more tries" not in found.problem.mend


def test_the_password_is_held_for_five_minutes(
    workspace: Workspace, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "now", lambda: datetime.now(UTC) + timedelta(minutes=5, seconds=1))
    assert not is_open(door)
    assert create_key(ACTOR, workspace, door).problem


def test_all_passwords_can_be_forgotten_at_once(door: Door) -> None:
    doors.forget_passwords()
    assert not is_open(door)


def test_a_key_is_created_active_and_its_secret_waits_until_it_is_taken(
    workspace: Workspace, account, door: Door, made
) -> None:
    day = datetime.now(UTC).date() + timedelta(days=90)
    created = made(expires=day, tag="ci")
    assert created.key.state == "ACTIVE"
    assert created.account_id == account["account_id"]
    assert key_of(workspace, door, created.key.access_key_id).expires.date() == day
    assert created.key.secret_key.get_secret_value() not in repr(created)
    waiting = key_intents.open_intents(ACTOR, workspace)
    assert [(one.id, one.waiting, one.access_key) for one in waiting] == [
        (created.intent, True, created.key.access_key_id)
    ]
    assert key_intents.waiting_secret(ACTOR, workspace, created.intent) == created.key.secret_key
    key_intents.take(ACTOR, workspace, created.intent)
    assert key_intents.open_intents(ACTOR, workspace) == []
    assert key_intents.waiting_secret(ACTOR, workspace, created.intent) is None
    with workspace.store.reading() as session:
        intent = session.exec(select(KeyIntent)).one()
        known = session.exec(select(Account)).one()
    assert (intent.outcome, intent.access_key, intent.secret_key_sealed) == ("taken", created.key.access_key_id, None)
    assert (known.account_id, known.email, known.region) == (account["account_id"], account["email"], door.region)


def test_a_secret_is_kept_on_request(workspace: Workspace, door: Door, made) -> None:
    created = made()
    assert kept_here(workspace, door.region) == set()
    key_intents.take(ACTOR, workspace, created.intent, sealed=True, account_id=created.account_id)
    key_intents.take(ACTOR, workspace, created.intent, sealed=True)
    assert kept_here(workspace, door.region) == {created.key.access_key_id}
    assert kept_secret(ACTOR, workspace, created.key.access_key_id, door.region) == created.key.secret_key
    assert kept_secret(ACTOR, workspace, created.key.access_key_id, "eu-west-2") is None
    assert key_of(workspace, door, created.key.access_key_id).sealed


def test_a_lost_answer_is_looked_for_and_revoked(
    workspace: Workspace, account, door: Door, sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {key.access_key for key in list_keys(ACTOR, workspace, door).keys}
    lose_the_answer(monkeypatch)
    created = create_key(ACTOR, workspace, door)
    monkeypatch.undo()
    assert created.key is None
    assert "nobody holds the secret" in created.problem.what
    [intent] = key_intents.open_intents(ACTOR, workspace)
    assert not intent.waiting
    young = key_intents.search(ACTOR, workspace, intent.id, door)
    assert young.problem and "under way" in young.problem.what
    monkeypatch.setattr(key_intents, "now", lambda: datetime.now(UTC) + timedelta(minutes=1))
    looked = key_intents.search(ACTOR, workspace, intent.id, door)
    [lost] = looked.found
    assert lost.access_key_id not in before
    wrong_door = Door("", door.region, email="someone@else.example")
    assert key_intents.search(ACTOR, workspace, intent.id, wrong_door).problem
    key_intents.revoke(ACTOR, workspace, intent.id, door, "SOMEBODYELSESKEY0000")
    assert {key.access_key for key in list_keys(ACTOR, workspace, door).keys} == before | {lost.access_key_id}
    assert key_intents.revoke(ACTOR, workspace, intent.id, door, lost.access_key_id).found == []
    assert {key.access_key for key in list_keys(ACTOR, workspace, door).keys} == before
    assert key_intents.open_intents(ACTOR, workspace) == []


def lose_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request for a new key arrives, its answer does not."""
    from core.outscale.errors import OutscaleError, Trouble
    from core.outscale.oapi import Oapi

    ask = Oapi.call

    def call(self, name, **params):
        answer = ask(self, name, **params)
        if name == "CreateAccessKey":
            raise OutscaleError(Trouble.CONNECTION, "The connection was cut.", "Try again.")
        return answer

    monkeypatch.setattr(Oapi, "call", call)


def test_an_intention_that_left_nothing_is_resolved(
    workspace: Workspace, door: Door, sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    intent = key_intents.begin(
        ACTOR, workspace, key_intents.About(door.region, "", door.email), before_of(workspace, door)
    )
    monkeypatch.setattr(key_intents, "now", lambda: datetime.now(UTC) + timedelta(minutes=1))
    assert key_intents.search(ACTOR, workspace, intent, door) == key_intents.Search()
    assert key_intents.open_intents(ACTOR, workspace) == []


def before_of(workspace: Workspace, door: Door) -> list[str]:
    return [key.access_key for key in list_keys(ACTOR, workspace, door).keys]


def test_a_refused_creation_leaves_nothing_open(workspace: Workspace, door: Door, sandbox, account) -> None:
    created = create_key(ACTOR, workspace, door, user_name="nobody-of-this-name")
    assert created.problem and "user" in created.problem.what.lower()
    assert key_intents.open_intents(ACTOR, workspace) == []


def test_the_expiration_must_be_in_the_future(workspace: Workspace, door: Door, made) -> None:
    today = datetime.now(UTC).date()
    assert create_key(ACTOR, workspace, door, expires=today).problem.field == "expires"
    key = made().key.access_key_id
    assert change_key(ACTOR, workspace, door, key, expires=today - DAY).field == "expires"


def test_the_expiration_survives_deactivation_and_activation(workspace: Workspace, door: Door, made) -> None:
    day = datetime.now(UTC).date() + timedelta(days=200)
    key = made(expires=day, tag="kept").key.access_key_id
    for state in ("INACTIVE", "ACTIVE"):
        assert change_key(ACTOR, workspace, door, key, state=state) is None
        shown = key_of(workspace, door, key)
        assert (shown.state, shown.expires.date(), shown.tag) == (state, day, "kept")


def test_expiration_and_tag_are_changed_apart(workspace: Workspace, door: Door, made) -> None:
    day = datetime.now(UTC).date() + timedelta(days=200)
    key = made(expires=day, tag="old").key.access_key_id
    assert change_key(ACTOR, workspace, door, key, tag="new") is None
    shown = key_of(workspace, door, key)
    assert (shown.tag, shown.expires.date(), shown.state) == ("new", day, "ACTIVE")
    assert change_key(ACTOR, workspace, door, key, expires=day + DAY) is None
    assert key_of(workspace, door, key).expires.date() == day + DAY
    assert change_key(ACTOR, workspace, door, key, never=True, tag="") is None
    shown = key_of(workspace, door, key)
    assert (shown.expires, shown.tag) == (None, "")


def test_the_eleventh_key_is_explained_before_the_call(workspace: Workspace, door: Door, made) -> None:
    while len(before_of(workspace, door)) < KEYS_PER_USER:
        made()
    intents = len(key_intents.open_intents(ACTOR, workspace))
    problem = create_key(ACTOR, workspace, door).problem
    assert problem and "10" in problem.what and "Delete" in problem.mend
    assert len(key_intents.open_intents(ACTOR, workspace)) == intents


def test_a_key_is_deleted_after_its_name_is_typed(workspace: Workspace, door: Door, made) -> None:
    created = made()
    key = created.key.access_key_id
    key_intents.take(ACTOR, workspace, created.intent, sealed=True)
    assert delete_key(ACTOR, workspace, door, key, "SOMETHING ELSE").field == "typed"
    assert key_of(workspace, door, key)
    assert delete_key(ACTOR, workspace, door, key, key) is None
    assert key_of(workspace, door, key) is None
    assert kept_here(workspace, door.region) == set()
    assert "does not exist any more" in delete_key(ACTOR, workspace, door, key, key).what
    assert "does not exist any more" in change_key(ACTOR, workspace, door, key, state="ACTIVE").what


def test_a_stored_key_opens_without_a_password(workspace: Workspace, account) -> None:
    key = account["access_keys"][0]["access_key_id"]
    assert open_with_key(ACTOR, workspace, key, account["region"]).problem
    stored(workspace, projects(project_row(account)))
    door = open_with_key(ACTOR, workspace, key, account["region"]).door
    listed = list_keys(ACTOR, workspace, door)
    assert listed.account_id == account["account_id"]
    shown = next(one for one in listed.keys if one.access_key == key)
    assert shown.used_by == ["demo"]
    assert shown.sealed
    assert shown.last_used and datetime.now(UTC) - shown.last_used < DAY
    assert change_key(ACTOR, workspace, door, key, state="INACTIVE").field == "state"
    assert "cannot delete itself" in delete_key(ACTOR, workspace, door, key, key).what
    warnings = deletion_warnings(listed.keys, key)
    assert any("demo" in warning for warning in warnings)
    assert any("last key" in warning for warning in deletion_warnings([shown], key))


def test_keys_of_an_eim_user(workspace: Workspace, account, door: Door) -> None:
    stored(workspace, projects(project_row(account)))
    signed = open_with_key(ACTOR, workspace, account["access_keys"][0]["access_key_id"], account["region"]).door
    from core.services.doors import through

    with through(ACTOR, workspace, signed) as api:
        if "rotator" not in list_users(ACTOR, workspace, signed):
            api.call("CreateUser", UserName="rotator")
    assert "rotator" in list_users(ACTOR, workspace, signed)
    assert list_users(ACTOR, workspace, door) == []  # a password may not ask
    created = create_key(ACTOR, workspace, door, user_name="rotator")
    assert created.key
    key = created.key.access_key_id
    assert key not in before_of(workspace, door)
    assert [one.access_key for one in list_keys(ACTOR, workspace, door, "rotator").keys] == [key]
    assert delete_key(ACTOR, workspace, door, key, key, user_name="rotator") is None  # deactivated first
    assert list_keys(ACTOR, workspace, door, "rotator").keys == []
