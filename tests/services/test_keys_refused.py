"""What OUTSCALE refuses about passwords and keys, and what a person is told."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from core.services.access_keys import change_key, create_key, delete_key, list_keys
from core.services.doors import Door, open_with_key, open_with_password, through
from core.services.key_intents import open_intents
from core.services.rotation import begin_rotation
from core.services.workspace import Workspace
from core.store.tables.access_keys import Rotation
from tests.services.conftest import ACTOR, project_row, projects, stored

DAY = timedelta(days=1)


def knock(workspace: Workspace, account: dict, password: str = ""):
    secret = SecretStr(password or account["password"])
    return open_with_password(ACTOR, workspace, account["email"], secret, account["region"])


@pytest.fixture
def account(sandbox) -> dict:
    return sandbox.account(1)


@pytest.fixture
def door(workspace: Workspace, account) -> Door:
    found = knock(workspace, account)
    assert found.door, found.problem
    return found.door


@pytest.fixture
def month(workspace: Workspace, sandbox) -> Iterator[Door]:
    """The door of an account whose policy lets a key live for 30 days. Without a policy again after the test."""
    account = sandbox.account(2)
    door = knock(workspace, account).door
    keys = [one.access_key for one in list_keys(ACTOR, workspace, door).keys]
    policy = {"MaxAccessKeyExpirationSeconds": 30 * 86_400, "RequireTrustedEnv": False}
    with through(ACTOR, workspace, door) as api:
        for key in keys:  # the policy is refused while a key lives longer
            api.update_access_key(key, state="ACTIVE", expiration=datetime.now(UTC) + 10 * DAY)
        api.call("UpdateApiAccessPolicy", **policy)
    yield door
    with through(ACTOR, workspace, door) as api:
        api.call("UpdateApiAccessPolicy", **policy | {"MaxAccessKeyExpirationSeconds": 0})
        for key in api.read_access_keys():
            if key.access_key_id in keys:
                api.update_access_key(key.access_key_id, state="ACTIVE", expiration=None)
            else:
                api.delete_access_key(key.access_key_id)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("password-expired", "expired"),
        ("ca-required", "certificate"),
        ("restrict", "API access rule"),
        ("lock", "locked"),
    ],
)
def test_why_a_right_password_does_not_open(workspace: Workspace, sandbox, account, fault: str, said: str) -> None:
    sandbox.fault(fault, account_id=account["account_id"])
    problem = knock(workspace, account).problem
    assert problem and said in problem.what
    assert problem.mend
    assert account["password"] not in str(problem)
    sandbox.clear()
    assert knock(workspace, account).door, "the password was right, so it may be tried again"


def test_the_policy_on_keys_lives_is_told_before_the_call(workspace: Workspace, month: Door) -> None:
    today = datetime.now(UTC).date()
    for expires in (None, today + 31 * DAY, today - DAY, today):
        problem = create_key(ACTOR, workspace, month, expires=expires).problem
        assert problem and problem.field == "expires", expires
    assert open_intents(ACTOR, workspace) == [], "nothing was asked for"
    created = create_key(ACTOR, workspace, month, expires=today + 30 * DAY)
    assert created.key
    key = created.key.access_key_id
    assert change_key(ACTOR, workspace, month, key, never=True).field == "expires"
    assert change_key(ACTOR, workspace, month, key, expires=today + 60 * DAY).field == "expires"
    assert change_key(ACTOR, workspace, month, key, state="INACTIVE") is None


def test_a_key_that_somebody_deleted_meanwhile(workspace: Workspace, door: Door) -> None:
    created = create_key(ACTOR, workspace, door, tag="gone")
    key = created.key.access_key_id
    with through(ACTOR, workspace, door) as api:
        api.delete_access_key(key)
    for problem in (
        change_key(ACTOR, workspace, door, key, state="INACTIVE"),
        change_key(ACTOR, workspace, door, key, tag="new"),
        delete_key(ACTOR, workspace, door, key, key),
    ):
        assert problem and "does not exist" in problem.what
    assert key not in [one.access_key for one in list_keys(ACTOR, workspace, door).keys]


def test_a_key_of_another_account_is_not_found_behind_this_door(workspace: Workspace, sandbox, door: Door) -> None:
    other = sandbox.account(3)["access_keys"][0]["access_key_id"]
    assert "does not exist" in change_key(ACTOR, workspace, door, other, state="INACTIVE").what
    assert "does not exist" in delete_key(ACTOR, workspace, door, other, other).what
    assert knock(workspace, sandbox.account(3)).door
    listed = list_keys(ACTOR, workspace, knock(workspace, sandbox.account(3)).door)
    assert "ACTIVE" in [one.state for one in listed.keys if one.access_key == other]


def test_the_key_that_signs_is_neither_deactivated_nor_deleted(workspace: Workspace, account) -> None:
    stored(workspace, projects(project_row(account)))
    key = account["access_keys"][0]["access_key_id"]
    door = open_with_key(ACTOR, workspace, key, account["region"]).door
    assert change_key(ACTOR, workspace, door, key, state="INACTIVE").field == "state"
    assert delete_key(ACTOR, workspace, door, key, key).field == "form"
    states = {one.access_key: one.state for one in list_keys(ACTOR, workspace, door).keys}
    assert states[key] == "ACTIVE"


def test_a_rotation_within_the_policy(workspace: Workspace, sandbox, month: Door) -> None:
    account = sandbox.account(2)
    stored(workspace, projects(project_row(account)))
    key = account["access_keys"][0]["access_key_id"]
    today = datetime.now(UTC).date()
    problem = begin_rotation(ACTOR, workspace, key, account["region"], expires=today + 60 * DAY).problem
    assert problem and problem.field == "expires"
    begun = begin_rotation(ACTOR, workspace, key, account["region"]).rotation
    assert begun
    with workspace.store.reading() as session:
        until = session.get_one(Rotation, begun.id).new_expires
    assert until and until.date() == today + 30 * DAY, "a year would be more than the policy lets"
