"""`onboarding accounts …` as a person or a program runs it."""

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from tests.terminal.test_terminal import project_form

NAME = "from the terminal"


@pytest.fixture
def account(sandbox) -> dict:
    return sandbox.account(0)


def answer(process) -> object:
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout)


def test_an_account_by_hand(onboarding) -> None:
    place = ("123456789012", "--region", "eu-west-2")
    added = answer(onboarding("accounts", "add", *place, "--company", "Company", "--owner", "Ada", "--json"))
    assert added == {"account_id": "123456789012", "region": "eu-west-2", "added": True}
    again = onboarding("accounts", "add", *place)
    assert (again.returncode, "known already" in again.stderr) == (2, True)
    assert onboarding("accounts", "add", "12", "--region", "atlantis-1").stderr.count("\n") == 2
    assert answer(onboarding("accounts", "edit", "123456789012", "--notes", "late", "--json"))["edited"]
    (row,) = answer(onboarding("accounts", "list", "--search", "comp", "--json"))
    assert (row["company"], row["owner"], row["notes"], row["active_keys"]) == ("Company", "Ada", "late", None)
    assert answer(onboarding("accounts", "list", "--search", "nothing", "--json")) == []
    refused = onboarding("accounts", "refresh", "123456789012")
    assert (refused.returncode, "No key" in refused.stderr) == (1, True)
    assert onboarding("accounts", "forget", "123456789012", "--confirm", "1").returncode == 2
    assert answer(onboarding("accounts", "forget", "123456789012", "--confirm", "123456789012", "--json"))["forgotten"]
    assert onboarding("accounts", "show", "123456789012").returncode == 2


def test_an_account_is_read_refreshed_and_changed(onboarding, account) -> None:
    key = account["access_keys"][0]
    form = {"access_key": key["access_key_id"], "secret_key": key["secret_key"], "region": account["region"]}
    read = onboarding("accounts", "read", "-", "--json", input=json.dumps(form))
    assert answer(read)["account_id"] == account["account_id"]
    assert key["secret_key"] not in read.stdout + read.stderr
    wrong = onboarding("accounts", "read", "-", input=json.dumps(form | {"secret_key": "A" * 40}))
    assert (wrong.returncode, "A" * 40 in wrong.stderr) == (1, False)
    assert onboarding("accounts", "read", "-", input=json.dumps(form | {"region": "atlantis-1"})).returncode == 2

    assert onboarding("credentials", "add", "-", input=json.dumps(project_form(account))).returncode == 0
    assert answer(onboarding("accounts", "refresh", account["account_id"], "--json"))["refreshed"]
    shown = answer(onboarding("accounts", "show", account["account_id"], "--json"))
    assert (shown["email"], shown["credentials"], shown["methods"]["active"]) == (account["email"], ["demo"], 0)
    city = shown["data"]["City"]
    changed = onboarding("accounts", "update", account["account_id"], "-", "--json", input='{"City": "Lyon"}')
    assert answer(changed)["updated"]
    told = onboarding("accounts", "show", account["account_id"])
    assert "Lyon" in told.stdout
    assert "connect to instances" in " ".join(told.stdout.split())
    assert onboarding("accounts", "update", account["account_id"], "-", input=f"City: {city}").returncode == 0
    bad = onboarding("accounts", "update", account["account_id"], "-", input='{"PhoneNumber": "call me"}')
    assert (bad.returncode, bad.stderr.startswith("PhoneNumber: ")) == (2, True)


def test_keypairs(onboarding, account, tmp_path: Path) -> None:
    assert onboarding("credentials", "add", "-", input=json.dumps(project_form(account))).returncode == 0
    where, out = account["account_id"], tmp_path / "new.pem"
    before = answer(onboarding("accounts", "keypairs", "list", where, "--json"))
    made = onboarding("accounts", "keypairs", "create", where, NAME, "--out", str(out), "--json")
    assert answer(made)["keypair_name"] == NAME
    assert load_pem_private_key(out.read_bytes(), None)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert "PRIVATE" not in made.stdout + made.stderr
    assert answer(onboarding("accounts", "keypairs", "open", "--json")) == []

    exists = onboarding("accounts", "keypairs", "create", where, "other", "--out", str(out))
    assert (exists.returncode, "exists" in exists.stderr) == (2, True)
    taken = onboarding("accounts", "keypairs", "create", where, NAME, "--out", str(tmp_path / "second.pem"))
    assert (taken.returncode, taken.stderr.startswith("name: ")) == (2, True)
    assert not (tmp_path / "second.pem").exists()

    public = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    imported = onboarding("accounts", "keypairs", "import", where, "mine", "-", "--json", input=public.decode())
    assert answer(imported)["keypair_type"] == "ssh-ed25519"
    private = onboarding("accounts", "keypairs", "import", where, "x", str(out))
    assert (private.returncode, "private key" in private.stderr) == (2, True)
    assert out.read_text().splitlines()[1] not in private.stderr

    assert onboarding("accounts", "keypairs", "delete", where, NAME, "--confirm", "no").returncode == 2
    for name in (NAME, "mine"):
        assert answer(onboarding("accounts", "keypairs", "delete", where, name, "--confirm", name, "--json"))["deleted"]
    assert answer(onboarding("accounts", "keypairs", "list", where, "--json")) == before


def test_a_keypair_that_got_lost_is_listed_and_resolved(onboarding, account, sandbox, settings) -> None:
    from core.services.workspace import open_workspace
    from core.store.tables.access_keys import KeyIntent

    assert onboarding("credentials", "add", "-", input=json.dumps(project_form(account))).returncode == 0
    opened = open_workspace(settings)
    with opened.store.writing() as session:
        place = {"account_id": account["account_id"], "region": account["region"]}
        session.add(
            KeyIntent(
                id="lost", kind="keypair", actor="Ada", name=NAME, begun=datetime(2026, 1, 1, tzinfo=UTC), **place
            )
        )
    opened.close()
    (one,) = answer(onboarding("accounts", "keypairs", "open", "--json"))
    assert (one["id"], "may exist" in one["what"]) == ("lost", True)
    assert answer(onboarding("accounts", "keypairs", "look", "lost", "--json")) == {"found": None}
    assert answer(onboarding("accounts", "keypairs", "open", "--json")) == []
