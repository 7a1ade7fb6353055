"""What is created at OUTSCALE while the connection is cut, the API throttles, or the store takes no writes: either it
does not exist, or it is open here, or somebody holds its secret. Each call is sent once."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pytest
from pydantic import SecretStr

from core.domain.credentials import FieldProblem
from core.services import access_keys, key_intents, keypairs
from core.services.doors import open_with_password
from core.services.kept_keys import kept_secret
from core.services.workspace import Workspace, open_workspace
from core.settings import Settings
from core.store.store import Store, StoreError
from tests.faults.between import Between, Fate
from tests.services.conftest import ACTOR, project_row, projects, stored

PAIR = "between"


@dataclass
class Made:
    """What became of creating."""

    secret: SecretStr | None
    problem: FieldProblem | None


class Kind(Protocol):
    """Access keys, or keypairs, of the sandbox's first account. Names are access keys, or names of keypairs."""

    call: str

    def there(self) -> set[str]: ...
    def create(self) -> Made: ...
    def open(self) -> int: ...
    def clean_up(self) -> list[str]: ...


class Keys:
    call = "CreateAccessKey"

    def __init__(self, workspace: Workspace, account: dict[str, Any]) -> None:
        self.workspace = workspace
        opened = open_with_password(
            ACTOR, workspace, account["email"], SecretStr(account["password"]), account["region"]
        )
        assert opened.door, opened.problem
        self.door = opened.door

    def there(self) -> set[str]:
        listed = access_keys.list_keys(ACTOR, self.workspace, self.door)
        assert not listed.problem, listed.problem
        return {key.access_key for key in listed.keys}

    def create(self) -> Made:
        made = access_keys.create_key(ACTOR, self.workspace, self.door)
        return Made(made.key.secret_key if made.key else None, made.problem)

    def open(self) -> int:
        return len(key_intents.open_intents(ACTOR, self.workspace))

    def clean_up(self) -> list[str]:
        """Look for what is open and delete what is found; the names of that."""
        gone = []
        for intent in key_intents.open_intents(ACTOR, self.workspace):
            looked = key_intents.search(ACTOR, self.workspace, intent.id, self.door)
            assert not looked.problem, looked.problem
            for key in looked.found:
                key_intents.revoke(ACTOR, self.workspace, intent.id, self.door, key.access_key_id)
                gone.append(key.access_key_id)
        return gone


class Pairs:
    call = "CreateKeypair"

    def __init__(self, workspace: Workspace, account: dict[str, Any]) -> None:
        self.workspace = workspace
        stored(workspace, projects(project_row(account)))
        self.place = account["account_id"], account["region"]

    def there(self) -> set[str]:
        listed = keypairs.list_keypairs(ACTOR, self.workspace, *self.place)
        assert not listed.problem, listed.problem
        return {one.keypair_name for one in listed.keypairs}

    def create(self) -> Made:
        made = keypairs.create_keypair(ACTOR, self.workspace, *self.place, PAIR)
        return Made(made.private_key, made.problem)

    def open(self) -> int:
        return len(keypairs.open_keypair_intents(ACTOR, self.workspace))

    def clean_up(self) -> list[str]:
        """Look for what is open and delete what is found; the names of that."""
        gone = []
        for intent in keypairs.open_keypair_intents(ACTOR, self.workspace):
            looked = keypairs.resolve_keypair_intent(ACTOR, self.workspace, intent.id)
            assert not looked.problem, looked.problem
            if looked.found:
                name = looked.found.keypair_name
                assert keypairs.delete_keypair(ACTOR, self.workspace, *self.place, name, name) is None
                gone.append(name)
        return gone


@pytest.fixture
def workspace(settings: Settings) -> Iterator[Workspace]:
    """One whose store waits for others no longer than a moment."""
    opened = open_workspace(settings)
    opened.close()
    hasty = replace(opened, store=Store(settings.database, busy_seconds=0.1))
    yield hasty
    hasty.close()


@pytest.fixture(params=[Keys, Pairs])
def kind(request: pytest.FixtureRequest, workspace: Workspace, sandbox: Any) -> Kind:
    made: Kind = request.param(workspace, sandbox.account(0))
    return made


@pytest.fixture
def between(kind: Kind, sandbox: Any, settings: Settings) -> Iterator[Callable[..., Between]]:
    """Puts somebody between the program and the first account's Region."""
    region = sandbox.account(0)["region"]
    with ExitStack() as stack:

        def put(fate: Fate, then: Callable[[], None] = lambda: None) -> Between:
            one = stack.enter_context(Between(sandbox.region(region)["api"], kind.call, fate, then))
            one.stand_before(settings, region)
            return one

        yield put


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """A minute goes by, so that no request can be on its way any more."""
    return lambda: monkeypatch.setattr(key_intents, "now", lambda: datetime.now(UTC) + timedelta(minutes=1))


@pytest.fixture
def locked(settings: Settings) -> Iterator[sqlite3.Connection]:
    """Another program's connection to the database: `BEGIN IMMEDIATE` locks it, `ROLLBACK` unlocks it."""
    connection = sqlite3.connect(settings.database, isolation_level=None, check_same_thread=False)
    yield connection
    connection.close()


@pytest.mark.parametrize("fate", ["cut before", "cut after"])
def test_a_cut_connection_leaves_it_open_until_somebody_looked(kind: Kind, between, later, fate: Fate) -> None:
    before = kind.there()
    way = between(fate)
    made = kind.create()
    assert made.secret is None
    assert made.problem and "may exist" in made.problem.what
    assert way.calls.count(kind.call) == 1
    left = kind.there() - before
    assert len(left) == (fate == "cut after")
    assert kind.open() == 1
    later()
    assert set(kind.clean_up()) == left
    assert (kind.there(), kind.open()) == (before, 0)


def test_a_throttled_call_was_not_carried_out(kind: Kind, between) -> None:
    before = kind.there()
    way = between("throttled")
    made = kind.create()
    assert made.secret is None
    assert made.problem and "may exist" not in made.problem.what
    assert way.calls.count(kind.call) == 1
    assert (kind.there(), kind.open()) == (before, 0)


def test_nothing_is_created_when_the_store_takes_no_intention(kind: Kind, between, locked) -> None:
    before = kind.there()
    way = between("passed")
    locked.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked by another program"):
        kind.create()
    locked.execute("ROLLBACK")
    assert kind.call not in way.calls
    assert (kind.there(), kind.open()) == (before, 0)


def test_the_secret_is_given_although_the_store_takes_no_outcome(kind: Kind, between, later, locked) -> None:
    before = kind.there()
    between("passed", then=lambda: locked.execute("BEGIN IMMEDIATE"))
    made = kind.create()
    locked.execute("ROLLBACK")
    assert made.secret and made.secret.get_secret_value()
    assert made.problem and "locked by another program" in made.problem.what
    left = kind.there() - before
    assert len(left) == 1
    assert kind.open() == 1
    later()
    assert set(kind.clean_up()) == left
    assert (kind.there(), kind.open()) == (before, 0)


@pytest.mark.parametrize("kind", [Keys], indirect=True)
def test_a_key_whose_creation_was_not_recorded_is_still_kept_on_request(
    kind: Keys, between, locked, workspace: Workspace
) -> None:
    between("passed", then=lambda: locked.execute("BEGIN IMMEDIATE"))
    made = access_keys.create_key(ACTOR, workspace, kind.door)
    locked.execute("ROLLBACK")
    assert made.key and made.problem
    key_intents.take(ACTOR, workspace, made.intent, sealed=True, created=made.key)
    name = made.key.access_key_id
    assert kept_secret(ACTOR, workspace, name, kind.door.region) == made.key.secret_key
    assert kind.open() == 0
    assert access_keys.delete_key(ACTOR, workspace, kind.door, name, name) is None
