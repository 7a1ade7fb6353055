"""Keypairs: created, imported, deleted; none is left whose private key nobody has."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.hazmat.primitives.serialization import load_pem_private_key as load
from pydantic import SecretStr
from sqlmodel import select

from core.outscale.errors import OutscaleError, Trouble
from core.outscale.oapi import Oapi
from core.services import key_intents, keypairs
from core.services.accounts import show_account
from core.services.keypairs import (
    create_keypair,
    delete_keypair,
    import_keypair,
    list_keypairs,
    open_keypair_intents,
    resolve_keypair_intent,
    take,
)
from core.services.workspace import Workspace
from core.store.store import StoreError
from core.store.tables.access_keys import KeyIntent
from tests.services.conftest import ACTOR, project_row, projects, stored

NAME = "laptop of Ada"


@pytest.fixture
def place(workspace: Workspace, sandbox) -> Iterator[tuple[str, str]]:
    """An account with a stored key; the keypairs that a test made in it are deleted."""
    account = sandbox.account(0)
    stored(workspace, projects(project_row(account)))
    where = (account["account_id"], account["region"])
    before = names(workspace, where)
    yield where
    sandbox.clear()
    for name in names(workspace, where) - before:
        assert delete_keypair(ACTOR, workspace, *where, name, name) is None


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch):
    """Lets the answer to one call get lost, once it was carried out; gives how often it was sent."""

    def lose(lost: str) -> list[str]:
        ask, sent = Oapi.call, []

        def call(self, name, **params):
            answer = ask(self, name, **params)
            if name == lost:
                sent.append(name)
                raise OutscaleError(Trouble.CONNECTION, "The connection was cut.", "Try again.")
            return answer

        monkeypatch.setattr(Oapi, "call", call)
        return sent

    return lose


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute has gone by, so that no request can be on its way any more."""
    monkeypatch.setattr(key_intents, "now", lambda: datetime.now(UTC) + timedelta(minutes=1))


def names(workspace: Workspace, place) -> set[str]:
    listed = list_keypairs(ACTOR, workspace, *place)
    assert listed.problem is None, listed.problem
    return {one.keypair_name for one in listed.keypairs}


def intents(workspace: Workspace) -> list[KeyIntent]:
    with workspace.store.reading() as session:
        return list(session.exec(select(KeyIntent)).all())


def test_a_private_key_is_given_once_and_taken(workspace: Workspace, place) -> None:
    before = names(workspace, place)
    made = create_keypair(ACTOR, workspace, *place, f" {NAME} ")
    pem = made.private_key.get_secret_value()
    assert load(pem.encode(), None)
    assert pem not in repr(made)
    assert pem.encode() not in workspace.settings.database.read_bytes()
    (opened,) = open_keypair_intents(ACTOR, workspace)
    assert opened.created
    assert "nobody has said that it is saved" in str(opened)
    take(ACTOR, workspace, made.intent)
    take(ACTOR, workspace, made.intent)
    assert open_keypair_intents(ACTOR, workspace) == []
    (intent,) = intents(workspace)
    assert (intent.kind, intent.outcome, set(intent.before)) == ("keypair", "taken", before)
    assert names(workspace, place) == before | {NAME}
    actions = [event.action for event in show_account(ACTOR, workspace, *place).events]
    assert actions[:3] == ["keypair.taken", "keypair.created", "keypair.intend"]


def test_a_name_is_taken_once(workspace: Workspace, place, monkeypatch: pytest.MonkeyPatch) -> None:
    take(ACTOR, workspace, create_keypair(ACTOR, workspace, *place, NAME).intent)
    assert create_keypair(ACTOR, workspace, *place, NAME).problem.field == "name"
    assert len(intents(workspace)) == 1
    # Somebody else takes the name between the look at the list and the call.
    monkeypatch.setattr(Oapi, "read_keypairs", lambda self, names=None: [])
    made = create_keypair(ACTOR, workspace, *place, NAME)
    assert (made.problem.field, made.private_key) == ("name", None)
    assert sorted(str(intent.outcome) for intent in intents(workspace)) == ["refused", "taken"]


@pytest.mark.parametrize("name", ["", "   ", "é", "a\nb", "x" * 256])
def test_a_bad_name_is_not_sent(workspace: Workspace, place, name: str) -> None:
    assert create_keypair(ACTOR, workspace, *place, name).problem.field == "name"
    assert intents(workspace) == []


@pytest.mark.usefixtures("later")
def test_a_lost_answer_is_told_looked_for_and_revoked(workspace: Workspace, place, answers, monkeypatch) -> None:
    sent = answers("CreateKeypair")
    made = create_keypair(ACTOR, workspace, *place, NAME)
    monkeypatch.undo()
    assert "nobody has" in made.problem.what
    assert sent == ["CreateKeypair"]
    (opened,) = open_keypair_intents(ACTOR, workspace, *place)
    assert "may exist" in str(opened)
    assert open_keypair_intents(ACTOR, workspace, "000000000000") == []
    waiting = resolve_keypair_intent(ACTOR, workspace, opened.id)
    assert "may still be under way" in waiting.problem.what
    monkeypatch.setattr(key_intents, "now", lambda: datetime.now(UTC) + timedelta(minutes=1))
    assert resolve_keypair_intent(ACTOR, workspace, opened.id).found.keypair_name == NAME
    assert delete_keypair(ACTOR, workspace, *place, NAME, NAME) is None
    assert [intent.outcome for intent in intents(workspace)] == ["revoked"]
    assert NAME not in names(workspace, place)


@pytest.mark.usefixtures("later")
def test_an_intention_that_left_nothing_is_resolved(workspace: Workspace, place, monkeypatch) -> None:
    class KilledError(BaseException):
        """The process ends here."""

    def killed(self, name, public_key=None):
        raise KilledError

    with monkeypatch.context() as broken:
        broken.setattr(Oapi, "create_keypair", killed)
        with pytest.raises(KilledError):
            create_keypair(ACTOR, workspace, *place, NAME)
    (opened,) = open_keypair_intents(ACTOR, workspace)
    look = resolve_keypair_intent(ACTOR, workspace, opened.id)
    assert (look.found, look.problem) == (None, None)
    assert [intent.outcome for intent in intents(workspace)] == ["absent"]


@pytest.mark.usefixtures("later")
def test_one_that_cannot_be_looked_for_stays_open(workspace: Workspace, place, answers, monkeypatch, sandbox) -> None:
    answers("CreateKeypair")
    create_keypair(ACTOR, workspace, *place, NAME)
    monkeypatch.undo()
    monkeypatch.setattr(key_intents, "now", lambda: datetime.now(UTC) + timedelta(minutes=1))
    (opened,) = open_keypair_intents(ACTOR, workspace)
    sandbox.fault("cut")
    assert resolve_keypair_intent(ACTOR, workspace, opened.id).problem
    assert len(open_keypair_intents(ACTOR, workspace)) == 1


def test_a_store_that_refuses_the_outcome_loses_no_private_key(workspace: Workspace, place, monkeypatch) -> None:
    real = keypairs.changing

    def refusing(actor, opened, action):
        if action == "keypair.created":
            raise StoreError("The disk is full.")
        return real(actor, opened, action)

    with monkeypatch.context() as full:
        full.setattr(keypairs, "changing", refusing)
        made = create_keypair(ACTOR, workspace, *place, NAME)
    assert made.private_key
    assert "not recorded" in made.problem.what
    assert len(open_keypair_intents(ACTOR, workspace)) == 1


def test_nothing_is_created_when_the_intention_cannot_be_stored(workspace: Workspace, place, monkeypatch) -> None:
    def refusing(actor, opened, action):
        raise StoreError("The disk is full.")

    with monkeypatch.context() as full:
        full.setattr(keypairs, "changing", refusing)
        with pytest.raises(StoreError):
            create_keypair(ACTOR, workspace, *place, NAME)
    assert NAME not in names(workspace, place)


def test_a_public_key_is_imported(workspace: Workspace, place) -> None:
    public = ed25519.Ed25519PrivateKey.generate().public_key()
    line = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    made = import_keypair(ACTOR, workspace, *place, NAME, SecretStr(f"{line} ada@laptop\n"))
    assert (made.keypair.keypair_type, made.private_key, made.problem) == ("ssh-ed25519", None, None)
    assert made.keypair.keypair_fingerprint
    assert intents(workspace) == []
    assert import_keypair(ACTOR, workspace, *place, NAME, SecretStr(line)).problem.field == "name"


def test_an_import_without_an_answer_says_so(workspace: Workspace, place, answers, monkeypatch) -> None:
    public = ed25519.Ed25519PrivateKey.generate().public_key()
    sent = answers("CreateKeypair")
    line = SecretStr(public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode())
    assert "No answer came" in import_keypair(ACTOR, workspace, *place, NAME, line).problem.what
    assert sent == ["CreateKeypair"]
    monkeypatch.undo()
    assert NAME in names(workspace, place)


def test_a_private_key_is_never_sent(workspace: Workspace, place) -> None:
    private = ed25519.Ed25519PrivateKey.generate()
    for form in (PrivateFormat.OpenSSH, PrivateFormat.PKCS8):
        text = private.private_bytes(Encoding.PEM, form, NoEncryption()).decode()
        made = import_keypair(ACTOR, workspace, *place, NAME, SecretStr(text))
        assert made.pasted_private
        assert made.problem.field == "public_key"
        assert not any(line in str(made.problem) for line in text.splitlines()[1:-1])
    assert NAME not in names(workspace, place)


@pytest.mark.parametrize("text", ["", "ssh-rsa", "hello", "ssh-rsa AAAA\nssh-rsa AAAA", "ssh-ed25519 AAAAC3Nza x"])
def test_what_is_no_public_key_is_not_sent(workspace: Workspace, place, text: str) -> None:
    assert import_keypair(ACTOR, workspace, *place, NAME, SecretStr(text)).problem.field == "public_key"


def test_delete_asks_for_the_name(workspace: Workspace, place) -> None:
    create_keypair(ACTOR, workspace, *place, NAME)
    assert delete_keypair(ACTOR, workspace, *place, NAME, "laptop").field == "typed"
    assert NAME in names(workspace, place)
    assert delete_keypair(ACTOR, workspace, *place, NAME, NAME) is None
    assert NAME not in names(workspace, place)
    assert open_keypair_intents(ACTOR, workspace) == []
    assert "any more" in delete_keypair(ACTOR, workspace, *place, NAME, NAME).what


def test_no_stored_key_no_keypairs(workspace: Workspace, sandbox) -> None:
    account = sandbox.account(2)
    listed = list_keypairs(ACTOR, workspace, account["account_id"], account["region"])
    assert "No key" in listed.problem.what
