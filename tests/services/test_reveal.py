"""A sealed secret is shown to an administrator, for a reason, upon a proof, and never unseen."""

import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlmodel import col, select

from core.domain.actor import Actor
from core.domain.roles import Role
from core.services import local_password
from core.services.kept_keys import keep
from core.services.local_password import password_is_set, set_password, try_password
from core.services.reveal import FRESH, SealedSecret, reveal, sealed_secrets
from core.services.use_case import NotAllowedError, changing
from core.services.workspace import Workspace, open_workspace
from core.settings import Settings
from core.store.columns import now
from core.store.store import Store, StoreError
from core.store.tables.access_keys import KeptKey
from core.store.tables.audit import Event
from core.store.tables.credentials import Project
from core.store.tables.people import LocalPassword
from tests.services.conftest import ACTOR
from tests.services.vaults import put_credentials

PASSWORD = SecretStr("a long local password")
REASON = "The terraform pipeline lost its copy."
# pragma: allowlist nextline secret - made up
SECRETS = ("secret of row 0", "secret of row 1", "billing secret", "http://me:proxy-password@proxy:3128", "kept secret")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home of its own; no sandbox is needed."""
    return Settings(home=tmp_path / "home")


@pytest.fixture
def workspace(settings: Settings) -> Iterator[Workspace]:
    """With credentials of each kind, and a kept key."""
    opened = open_workspace(settings)
    seed(opened)
    yield opened
    opened.close()


def seed(workspace: Workspace) -> None:
    rows = [{"access_key": f"AK{row}", "secret_key": f"secret of row {row}", "region": "eu-west-2"} for row in range(2)]
    # pragma: allowlist nextline secret - made up
    billing = {"billing_only": True, "billing_access_key": "BILL", "billing_secret_key": "billing secret"}
    forms = (
        {
            "name": "demo",
            "projects": rows,
            "proxy": "http://me:proxy-password@proxy:3128",  # pragma: allowlist secret - made up
        },  # pragma: allowlist secret - made up
        {"name": "bills", "buckets": [{"name": "bills", "region": "eu-west-2"}], **billing},
    )
    with changing(ACTOR, workspace, "test.seed") as change:
        for form in forms:
            put_credentials(change, workspace, form)
        keep(change.session, workspace, "KEPT", SecretStr("kept secret"), "eu-west-2", "1")
        change.record("seed")


def events(workspace: Workspace, action: str = "secret.reveal") -> list[Event]:
    with workspace.store.reading() as session:
        found = session.exec(select(Event).where(col(Event.action).endswith(action)).order_by(col(Event.id))).all()
    told = json.dumps([one.model_dump(mode="json") for one in found])
    assert not [one for one in (*SECRETS, PASSWORD.get_secret_value()) if one in told]
    return list(found)


def first(workspace: Workspace, name: str = "demo") -> SealedSecret:
    return sealed_secrets(ACTOR, workspace, name)[0]


def waited(workspace: Workspace) -> None:
    """Let the wait after a wrong password be over."""
    with workspace.store.writing() as session:
        row = session.get_one(LocalPassword, 1)
        row.wait_until = now() - timedelta(seconds=1)
        session.add(row)


def test_every_kind_of_secret_is_revealed_and_recorded(workspace: Workspace) -> None:
    assert set_password(ACTOR, workspace, PASSWORD) is None
    wanted = {str(one): one for name in ("demo", "bills", None) for one in sealed_secrets(ACTOR, workspace, name)}
    shown = {
        name: reveal(ACTOR, workspace, one, reason=REASON, password=PASSWORD).secret.get_secret_value()
        for name, one in wanted.items()
    }
    assert shown == {
        "Secret key of AK0 in eu-west-2": "secret of row 0",
        "Secret key of AK1 in eu-west-2": "secret of row 1",
        "Proxy with its password": "http://me:proxy-password@proxy:3128",  # pragma: allowlist secret - made up
        "Billing secret key of BILL": "billing secret",
        "Secret key of KEPT in eu-west-2": "kept secret",
    }
    recorded = [(one.subject, one.details["field"], one.details["access_key"]) for one in events(workspace)]
    assert sorted(recorded) == [
        ("KEPT", "secret_key", "KEPT"),
        ("bills", "billing_secret_key", "BILL"),
        ("demo", "proxy", ""),
        ("demo", "secret_key", "AK0"),
        ("demo", "secret_key", "AK1"),
    ]
    assert sealed_secrets(ACTOR, workspace, "unknown") == []
    assert {(one.actor, one.outcome, one.details["reason"]) for one in events(workspace)} == {
        ("tester", "done", REASON)
    }


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.ADMINISTRATOR}))
def test_other_roles_are_refused_with_the_right_password(workspace: Workspace, role: Role) -> None:
    set_password(ACTOR, workspace, PASSWORD)
    somebody, wanted = Actor(name="somebody", role=role), first(workspace)
    with pytest.raises(NotAllowedError, match=f"not for the role {role}. Those who may: administrator"):
        reveal(somebody, workspace, wanted, reason=REASON, password=PASSWORD, signed_in=now())
    assert events(workspace) == []
    (event,) = events(workspace, "reveal.reveal")
    assert (event.actor, event.action, event.outcome) == ("somebody", "refused.reveal.reveal", "refused")
    with pytest.raises(NotAllowedError, match="Those who may: administrator"):
        sealed_secrets(somebody, workspace, "demo")


def test_a_terminal_never_gets_one(workspace: Workspace) -> None:
    set_password(ACTOR, workspace, PASSWORD)
    terminal = Actor(name="tester", via="terminal", role=Role.ADMINISTRATOR)
    with pytest.raises(NotAllowedError, match="never in a terminal"):
        reveal(terminal, workspace, first(workspace), reason=REASON, password=PASSWORD)
    assert [one.action for one in events(workspace)] == ["refused.secret.reveal"]


def test_nothing_is_revealed_until_a_password_is_set(workspace: Workspace) -> None:
    assert not password_is_set(ACTOR, workspace)
    for password in (None, SecretStr(""), PASSWORD):
        result = reveal(ACTOR, workspace, first(workspace), reason=REASON, password=password)
        assert result.secret is None
        assert "onboarding password set" in str(result.problem)
    assert {one.outcome for one in events(workspace)} == {"refused"}
    set_password(ACTOR, workspace, PASSWORD)
    assert password_is_set(ACTOR, workspace)
    assert reveal(ACTOR, workspace, first(workspace), reason=REASON, password=PASSWORD).secret


@pytest.mark.parametrize("reason", ["", "         ", "too short", " a  b\n c ", "x" * 501])
def test_a_reason_is_needed(workspace: Workspace, reason: str) -> None:
    set_password(ACTOR, workspace, PASSWORD)
    result = reveal(ACTOR, workspace, first(workspace), reason=reason, password=PASSWORD)
    assert result.secret is None
    assert result.problem.field == "reason"


def test_a_secret_in_the_reason_is_not_recorded(workspace: Workspace) -> None:
    set_password(ACTOR, workspace, PASSWORD)
    for told in (PASSWORD.get_secret_value(), "secret of row 0"):
        result = reveal(ACTOR, workspace, first(workspace), reason=f"to compare {told} with mine", password=PASSWORD)
        assert result.secret is None
        assert "holds a secret itself" in str(result.problem)
    assert [one.outcome for one in events(workspace)] == ["failed"]  # `events` looks for secrets
    for told in (PASSWORD.get_secret_value(), "secret of row 0"):  # and the password was forgotten
        reveal(ACTOR, workspace, first(workspace), reason=f"to compare {told} with mine", password=SecretStr(""))
        waited(workspace)
    long_ago = now() - timedelta(hours=1)
    reveal(ACTOR, workspace, first(workspace), reason="to compare secret of row 0 with mine", signed_in=long_ago)
    assert [one.outcome for one in events(workspace)] == ["failed", "refused", "refused", "refused"]


def test_a_wrong_password_is_counted_and_the_wait_grows(workspace: Workspace, settings: Settings) -> None:
    set_password(ACTOR, workspace, PASSWORD)
    waits = []
    for _ in range(6):
        result = reveal(ACTOR, workspace, first(workspace), reason=REASON, password=SecretStr("a wrong password"))
        assert result.secret is None
        assert "This is not the password" in str(result.problem)
        soon = reveal(ACTOR, workspace, first(workspace), reason=REASON, password=PASSWORD)  # even the right one
        assert soon.secret is None
        assert "wrong passwords in a row" in str(soon.problem)
        with workspace.store.reading() as session:
            row = session.get_one(LocalPassword, 1)
        waits.append(round((row.wait_until - now()).total_seconds()))
        waited(workspace)
    assert row.wrong == 6
    assert waits[-1] >= 58
    assert waits == sorted(waits)
    whys = [one.details["why"] for one in events(workspace)]
    assert whys == ["password wrong", "password too soon"] * 6

    again = open_workspace(settings)  # another process knows of it
    assert reveal(ACTOR, again, first(again), reason=REASON, password=PASSWORD).secret
    with again.store.reading() as session:
        row = session.get_one(LocalPassword, 1)
    again.close()
    assert (row.wrong, row.wait_until) == (0, None)


def test_the_wait_has_an_end(workspace: Workspace) -> None:
    set_password(ACTOR, workspace, PASSWORD)
    with workspace.store.writing() as session:
        row = session.get_one(LocalPassword, 1)
        row.wrong = 1000
        session.add(row)
    assert "60 min" in str(try_password(workspace, SecretStr("a wrong password")).problem)


TRY = """
import sys
from pathlib import Path
from pydantic import SecretStr
from core.services import local_password
from core.services.workspace import open_workspace
from core.settings import Settings
def never(*_): print("counted", flush=True); sys.stdin.readline()
local_password._scrypt = never
local_password.try_password(open_workspace(Settings(home=Path(sys.argv[1]))), SecretStr("a wrong password"))
"""


def test_a_try_that_is_killed_was_a_try(workspace: Workspace, settings: Settings) -> None:
    set_password(ACTOR, workspace, PASSWORD)
    command = [sys.executable, "-c", TRY, str(settings.home)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "counted\n"
    child.kill()
    child.wait()
    with workspace.store.reading() as session:
        assert session.get_one(LocalPassword, 1).wrong == 1


def test_tries_at_once_are_one_try(workspace: Workspace) -> None:
    set_password(ACTOR, workspace, PASSWORD)
    reasons: list[str] = []
    threads = [
        threading.Thread(target=lambda: reasons.append(try_password(workspace, SecretStr("a wrong password")).reason))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # The wait is counted from the first, so that a machine under load may let a second one in.
    assert reasons.count("wrong") <= 2
    assert len(reasons) == 8


def test_another_password_takes_the_place_of_the_first(workspace: Workspace) -> None:
    set_password(ACTOR, workspace, PASSWORD)
    try_password(workspace, SecretStr("a wrong password"))
    other = SecretStr("another local password")
    assert set_password(ACTOR, workspace, other) is None
    assert reveal(ACTOR, workspace, first(workspace), reason=REASON, password=other).secret
    assert try_password(workspace, PASSWORD).reason == "wrong"
    assert [one.details["first"] for one in events(workspace, "password.set")] == [True, False]
    with workspace.store.reading() as session:
        row = session.get_one(LocalPassword, 1)
    assert (row.cost, len(row.salt), len(row.hash)) == (local_password.COST, 16, 32)


@pytest.mark.parametrize("weak", ["", "elevenchars", "aaaaaaaaaaaaaaa"])
def test_a_weak_password_is_refused(workspace: Workspace, weak: str) -> None:
    assert set_password(ACTOR, workspace, SecretStr(weak)) is not None
    assert not password_is_set(ACTOR, workspace)


def test_a_fresh_sign_in_is_a_proof_and_an_old_one_is_not(workspace: Workspace) -> None:
    wanted = first(workspace)
    assert reveal(ACTOR, workspace, wanted, reason=REASON, signed_in=now() - FRESH + timedelta(seconds=5)).secret
    for moment in (now() - FRESH - timedelta(seconds=1), now() + timedelta(hours=1)):
        result = reveal(ACTOR, workspace, wanted, reason=REASON, signed_in=moment, password=PASSWORD)
        assert result.secret is None
        assert "Sign in again" in str(result.problem)
    assert [one.outcome for one in events(workspace)] == ["done", "refused", "refused"]


def test_what_is_gone_or_altered_is_told_and_recorded(workspace: Workspace) -> None:
    wanted = sealed_secrets(ACTOR, workspace, "demo")
    with workspace.store.writing() as session:
        altered = session.get_one(Project, wanted[0].row)
        altered.secret_key_sealed = session.get_one(Project, wanted[1].row).secret_key_sealed
        session.add(altered)
        session.delete(session.get_one(Project, wanted[1].row))
    assert "does not open" in str(reveal(ACTOR, workspace, wanted[0], reason=REASON, signed_in=now()).problem)
    assert "no longer here" in str(reveal(ACTOR, workspace, wanted[1], reason=REASON, signed_in=now()).problem)
    assert [one.outcome for one in events(workspace)] == ["failed", "failed"]


def test_only_what_may_be_revealed_is(workspace: Workspace) -> None:
    """A place that the caller made up opens nothing: not another table, not another field."""
    wanted = first(workspace)
    with workspace.store.reading() as session:
        kept = session.exec(select(KeptKey)).one()
    for odd in (
        wanted.model_copy(update={"table": "kept_key"}),
        wanted.model_copy(update={"table": "event", "row": "1"}),
        wanted.model_copy(update={"table": "credentials", "row": kept.id}),
    ):
        assert "no longer here" in str(reveal(ACTOR, workspace, odd, reason=REASON, signed_in=now()).problem)
    # What the caller calls it is not what is recorded.
    named = wanted.model_copy(update={"subject": "harmless", "access_key": "NONE"})
    assert reveal(ACTOR, workspace, named, reason=REASON, signed_in=now()).secret
    assert (events(workspace)[-1].subject, events(workspace)[-1].details["access_key"]) == ("demo", "AK0")


def test_what_cannot_be_recorded_is_not_shown(workspace: Workspace, settings: Settings) -> None:
    wanted = first(workspace)
    impatient = Workspace(settings, Store(settings.database, busy_seconds=0.1), workspace.vault)
    other = sqlite3.connect(settings.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked"):
        reveal(ACTOR, impatient, wanted, reason=REASON, signed_in=now())
    other.execute("ROLLBACK")
    other.execute("CREATE TRIGGER no_events BEFORE INSERT ON event BEGIN SELECT RAISE(FAIL, 'no'); END")
    other.close()
    with pytest.raises(Exception, match="no"):
        reveal(ACTOR, impatient, wanted, reason=REASON, signed_in=now())
    impatient.close()
