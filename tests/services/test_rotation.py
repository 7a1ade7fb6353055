"""An access key replaced step by step: checked, put everywhere, the old one deactivated and deleted or brought back."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from core.domain.actor import Actor
from core.domain.credentials import CredentialsDraft
from core.domain.roles import Role
from core.services import key_intents, rotation, rotation_steps
from core.services.access_keys import change_key, create_key, delete_key, list_keys
from core.services.credentials import check_again, show_credentials
from core.services.doors import Door
from core.services.onboarding import add_credentials, check_draft
from core.services.rotation import advance, begin_rotation, bring_back, list_rotations
from core.services.workspace import Workspace
from core.store.tables.access_keys import Rotation
from tests.services.conftest import ACTOR, kept_here, project_row, projects, stored
from tests.services.test_access_keys import key_of, opened

OTHER = Actor(name="other", via="test", role=Role.ADMINISTRATOR)


@pytest.fixture
def account(sandbox) -> dict:
    return sandbox.account(0)


@pytest.fixture
def door(workspace: Workspace, account) -> Door:
    return opened(workspace, account)


@pytest.fixture
def key(workspace: Workspace, account, door: Door):
    """A key of the account that two credentials use; whatever came of it is deleted after the test."""
    before = {one.access_key for one in list_keys(ACTOR, workspace, door).keys}
    expires = datetime.now(UTC).date() + timedelta(days=60)
    created = create_key(ACTOR, workspace, door, tag="ci", expires=expires)
    assert created.key
    key_intents.take(ACTOR, workspace, created.intent)
    row = project_row(
        account,
        access_key=created.key.access_key_id,
        secret_key=created.key.secret_key.get_secret_value(),
    )
    for name in ("first", "second"):
        stored(workspace, projects(row, name=name))
    yield created.key.access_key_id
    for one in list_keys(ACTOR, workspace, door).keys:
        if one.access_key not in before:
            delete_key(ACTOR, workspace, door, one.access_key, one.access_key)


def keys_used(workspace: Workspace) -> set[str]:
    details = [show_credentials(ACTOR, workspace, name) for name in ("first", "second")]
    return {row.access_key for one in details if one for row in one.projects}


def begun(workspace: Workspace, account: dict, key: str) -> str:
    found = begin_rotation(ACTOR, workspace, key, account["region"])
    assert found.rotation, found.problem
    return found.rotation.id


def test_a_key_is_rotated_and_deleted_after_its_grace(workspace: Workspace, account, door: Door, key: str) -> None:
    rotating = begun(workspace, account, key)
    done = advance(ACTOR, workspace, rotating)
    assert done.problem is None
    view = done.rotation
    assert view.step == "wait" and not view.due
    assert {line.target.split(":")[0] for line in done.results} == {"first", "second"}
    assert keys_used(workspace) == {view.new_key} != {key}
    old, new = key_of(workspace, door, key), key_of(workspace, door, view.new_key)
    assert old.state == "INACTIVE" and old.expires  # the trap: the expiration is still there
    assert (new.state, new.tag) == ("ACTIVE", "ci")
    assert all(report.complete for report in check_again(ACTOR, workspace, ["first", "second"]))
    assert advance(ACTOR, workspace, rotating).rotation.step == "wait"  # the grace is not over
    ended = advance(OTHER, workspace, rotating, delete_now=True).rotation
    assert (ended.outcome, ended.problem) == ("done", "")
    assert key_of(workspace, door, key) is None
    assert list_rotations(ACTOR, workspace) == []
    assert [view.outcome for view in list_rotations(ACTOR, workspace, ended=True)] == ["done"]


def test_the_grace_ends_by_itself(
    workspace: Workspace, account, door: Door, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotating = begun(workspace, account, key)
    advance(ACTOR, workspace, rotating)
    monkeypatch.setattr(rotation, "now", lambda: datetime.now(UTC) + timedelta(days=7, seconds=1))
    assert list_rotations(ACTOR, workspace)[0].due
    assert advance(ACTOR, workspace, rotating).rotation.outcome == "done"


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 4])
def test_the_old_key_is_brought_back_from_any_step(
    workspace: Workspace, account, door: Door, key: str, steps: int
) -> None:
    rotating = begun(workspace, account, key)
    step_by_step(workspace, rotating, steps)
    assert list_rotations(ACTOR, workspace)[0].step == rotation_steps.STEPS[steps]
    ended = bring_back(OTHER, workspace, rotating)
    assert ended.problem is None
    assert ended.rotation.outcome == "brought_back"
    assert keys_used(workspace) == {key}
    old = key_of(workspace, door, key)
    assert old.state == "ACTIVE" and old.expires
    if ended.rotation.new_key:
        assert key_of(workspace, door, ended.rotation.new_key) is None
    assert all(report.complete for report in check_again(ACTOR, workspace, ["first", "second"]))


def step_by_step(workspace: Workspace, rotating: str, steps: int) -> None:
    """Do that many steps and stop."""
    for _ in range(steps):
        stop = threading.Event()
        work = rotation_steps.STEP_WORK[list_rotations(ACTOR, workspace)[0].step]

        def once(this, work=work, stop=stop):
            found = work(this)
            stop.set()
            return found

        before = dict(rotation_steps.STEP_WORK)
        rotation_steps.STEP_WORK.update(dict.fromkeys(before, once))
        try:
            found = advance(ACTOR, workspace, rotating, stop=stop)
        finally:
            rotation_steps.STEP_WORK.update(before)
        assert found.problem is None


def test_two_people_cannot_rotate_one_key(workspace: Workspace, account, key: str) -> None:
    rotating = begun(workspace, account, key)
    second = begin_rotation(OTHER, workspace, key, account["region"])
    assert "tester began to rotate this key" in second.problem.what
    with workspace.store.writing() as session:  # somebody is at the step just now
        row = session.get(Rotation, rotating)
        row.worker, row.worker_until = "tester 1", datetime.now(UTC) + timedelta(minutes=1)
    refused = advance(OTHER, workspace, rotating)
    assert "tester is at the step" in refused.problem.what
    assert "tester is at the step" in bring_back(OTHER, workspace, rotating).problem.what
    assert advance(OTHER, workspace, rotating, take_over=True).rotation.step == "wait"


def test_a_new_key_that_fails_its_checks_replaces_nothing(
    workspace: Workspace, account, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotating = begun(workspace, account, key)
    step_by_step(workspace, rotating, 1)
    new = list_rotations(ACTOR, workspace)[0].new_key
    door = opened(workspace, account)
    change_key(ACTOR, workspace, door, new, state="INACTIVE")
    stuck = advance(ACTOR, workspace, rotating)
    assert stuck.problem
    assert stuck.rotation.step == "check" and stuck.rotation.problem
    assert keys_used(workspace) == {key}
    change_key(ACTOR, workspace, door, new, state="ACTIVE")
    assert advance(ACTOR, workspace, rotating).rotation.step == "wait"


def test_credentials_added_meanwhile_are_checked_too(workspace: Workspace, account, key: str) -> None:
    rotating = begun(workspace, account, key)
    step_by_step(workspace, rotating, 2)
    with workspace.store.writing() as session:
        session.get(Rotation, rotating).checked = {"first": 1}
    done = advance(ACTOR, workspace, rotating)
    assert done.rotation.step == "wait", done.problem
    assert keys_used(workspace) == {done.rotation.new_key}


def test_a_billing_key_is_rotated_with_its_buckets(workspace: Workspace, sandbox) -> None:
    paying = sandbox.account(3)
    door = opened(workspace, paying)
    created = create_key(ACTOR, workspace, door)
    key = created.key
    key_intents.take(ACTOR, workspace, created.intent, sealed=True, account_id=paying["account_id"])
    own = [bucket for bucket in sandbox.info["billing"][0]["buckets"] if bucket["region"] == paying["region"]][:1]
    draft = CredentialsDraft.model_validate(
        {
            "name": "bills",
            "billing_only": True,
            "billing_access_key": key.access_key_id,
            "billing_secret_key": key.secret_key.get_secret_value(),
            "buckets": own,
        }
    )
    report = check_draft(ACTOR, workspace, draft)
    assert add_credentials(ACTOR, workspace, draft, report).id, report.failures
    rotating = begin_rotation(ACTOR, workspace, key.access_key_id, paying["region"]).rotation
    done = advance(ACTOR, workspace, rotating.id, delete_now=True)
    assert done.rotation.outcome == "done", done.problem
    assert show_credentials(ACTOR, workspace, "bills").billing_access_key == done.rotation.new_key
    assert kept_here(workspace, paying["region"]) == {done.rotation.new_key}
    assert all(report.complete for report in check_again(ACTOR, workspace, ["bills"]))
    delete_key(ACTOR, workspace, door, done.rotation.new_key, done.rotation.new_key)


def test_a_key_whose_secret_is_not_here_cannot_be_rotated(workspace: Workspace, account) -> None:
    found = begin_rotation(ACTOR, workspace, account["access_keys"][0]["access_key_id"], account["region"])
    assert "secret of this key is not here" in found.problem.what


def test_the_lost_answer_of_a_rotation_is_revoked_when_it_goes_on(
    workspace: Workspace, account, door: Door, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.services.test_access_keys import lose_the_answer

    rotating = begun(workspace, account, key)
    before = {one.access_key for one in list_keys(ACTOR, workspace, door).keys}
    with monkeypatch.context() as lost:
        lose_the_answer(lost)
        stuck = advance(ACTOR, workspace, rotating)
    assert "nobody holds the secret" in stuck.problem.what
    monkeypatch.setattr(key_intents, "now", lambda: datetime.now(UTC) + timedelta(minutes=1))
    done = advance(ACTOR, workspace, rotating)
    assert done.rotation.step == "wait", done.problem
    after = {one.access_key for one in list_keys(ACTOR, workspace, door).keys}
    assert after == before | {done.rotation.new_key}
