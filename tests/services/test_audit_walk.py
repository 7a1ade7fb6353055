"""A walk through what people do: each step stands in the audit trail with how it ended, and no secret does."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from core.domain.costs import CostQuery
from core.services import access_keys, account_data, doors, key_intents, keypairs
from core.services.audit import TrailFilter, verify_trail
from core.services.audit_export import export_trail
from core.services.bill_pull import pull
from core.services.billing import BucketChoice
from core.services.bucket_index import refresh
from core.services.bucket_pages import Search
from core.services.cost_export import export
from core.services.credentials import check_again, delete_credentials, export_credentials, list_credentials
from core.services.downloads import export_listing, fetch, make_link, within
from core.services.fetched import drop
from core.services.preview import preview
from core.services.reconcile import reconcile
from core.services.workspace import Workspace
from tests.services.conftest import ACTOR, billing, checked, project_row, projects, stored

WRONG_PASSWORD = "not-the-Pa55word"  # pragma: allowlist secret - made up
WRONG_SECRET = "NOTTHESECRETKEYOFTHISACCESSKEY0123456789"  # pragma: allowlist secret - made up
PROXY_PASSWORD = "the-proxys-Pa55word"  # pragma: allowlist secret - made up


def secrets_in(found: Any) -> Iterator[str]:
    """Every secret of `sandbox.json`, wherever it stands."""
    if isinstance(found, dict):
        for name, value in found.items():
            if isinstance(value, str) and ("secret" in name or "password" in name or name == "token"):
                yield value
            else:
                yield from secrets_in(value)
    elif isinstance(found, list):
        for one in found:
            yield from secrets_in(one)


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    yield
    doors.forget_passwords()
    doors._refused.clear()


def test_every_step_is_there_and_no_secret(workspace: Workspace, sandbox, tmp_path: Path) -> None:
    account, info = sandbox.account(0), sandbox.info
    key, region = account["access_keys"][0], account["region"]
    known = set(secrets_in(info)) | {WRONG_PASSWORD, WRONG_SECRET, PROXY_PASSWORD}
    assert {account["password"], key["secret_key"], info["billing"][0]["secret_key"]} <= known

    # Credentials: one that fails its check, one through a proxy that is not there, one that is stored.
    checked(workspace, projects(project_row(account, secret_key=WRONG_SECRET), name="wrong"))
    proxy = f"http://user:{PROXY_PASSWORD}@127.0.0.1:9"
    checked(workspace, projects(project_row(account), name="proxied", proxy=proxy))
    stored(workspace, projects(project_row(account)))
    check_again(ACTOR, workspace, ["demo"])
    export_credentials(ACTOR, workspace, list_credentials(ACTOR, workspace))

    # Access keys: a wrong password, the same again, the right one; a key made, shown, kept, changed, deleted.
    for password in (WRONG_PASSWORD, WRONG_PASSWORD, account["password"]):
        opened = doors.open_with_password(ACTOR, workspace, account["email"], SecretStr(password), region)
    door = opened.door
    assert door
    access_keys.list_keys(ACTOR, workspace, door)
    made = access_keys.create_key(ACTOR, workspace, door, expires=datetime.now(UTC).date() + timedelta(days=9))
    assert made.key
    known.add(made.key.secret_key.get_secret_value())
    new = made.key.access_key_id
    assert key_intents.waiting_secret(ACTOR, workspace, made.intent) == made.key.secret_key
    key_intents.take(ACTOR, workspace, made.intent, sealed=True, account_id=made.account_id)
    assert access_keys.change_key(ACTOR, workspace, door, new, state="INACTIVE") is None
    assert access_keys.delete_key(ACTOR, workspace, door, new, new) is None
    assert access_keys.change_key(ACTOR, workspace, door, new, state="ACTIVE")  # it is gone
    sandbox.fault("5xx")
    assert access_keys.list_keys(ACTOR, workspace, door).problem
    sandbox.clear()
    assert doors.open_with_key(ACTOR, workspace, "A" * 20, region).problem

    # Accounts and keypairs.
    place = (account["account_id"], region)
    secret = SecretStr(WRONG_SECRET)
    assert account_data.read_from_key(ACTOR, workspace, key["access_key_id"], secret, region).problems
    assert account_data.refresh(ACTOR, workspace, *place) is None
    pair = keypairs.create_keypair(ACTOR, workspace, *place, "walked")
    assert pair.private_key
    known.add(pair.private_key.get_secret_value())
    keypairs.take(ACTOR, workspace, pair.intent)
    assert keypairs.delete_keypair(ACTOR, workspace, *place, "walked", "walked") is None

    # Buckets and costs.
    stored(workspace, billing(info))
    bucket = info["billing"][0]["buckets"][0]
    choice = BucketChoice("bills", bucket["name"], bucket["region"])
    refresh(ACTOR, workspace, choice)
    first = within(ACTOR, workspace, choice, [""])[0]
    preview(ACTOR, workspace, choice, first.key)
    preview(ACTOR, workspace, choice, "no such key")
    drop(fetch(ACTOR, workspace, choice, [first]))
    drop(export_listing(ACTOR, workspace, choice, Search(), "csv"))
    link = make_link(ACTOR, workspace, choice, first.key, timedelta(hours=1))
    known.add(link.url.get_secret_value())
    known.add(link.url.get_secret_value().rpartition("Signature=")[2])
    make_link(ACTOR, workspace, choice, "no such key", timedelta(hours=1))
    pull(ACTOR, workspace, [choice])
    year = CostQuery(since=date(2000, 1, 1), until=date(2100, 1, 1))
    export(ACTOR, workspace, year, "csv", tmp_path / "costs.csv")
    reconcile(ACTOR, workspace, *place, date(2026, 1, 1), date(2026, 2, 1))
    assert delete_credentials(ACTOR, workspace, "demo", "demo") is None

    export_trail(ACTOR, workspace, TrailFilter(), "jsonl", tmp_path / "trail.jsonl")
    text = (tmp_path / "trail.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert {(line["action"], line["outcome"]) for line in lines} >= {
        ("credentials.check_form", "failed"),
        ("credentials.check_form", "done"),
        ("credentials.add", "done"),
        ("credentials.check", "done"),
        ("credentials.checked", "done"),
        ("credentials.export", "done"),
        ("credentials.delete", "done"),
        ("access_keys.refused", "refused"),
        ("access_keys.open", "done"),
        ("access_keys.list", "done"),
        ("access_keys.list", "failed"),
        ("access_keys.open_with_key", "failed"),
        ("access_key.intend", "done"),
        ("access_key.created", "done"),
        ("access_key.show", "done"),
        ("access_key.keep", "done"),
        ("access_key.change", "done"),
        ("access_key.change", "failed"),
        ("access_key.delete", "done"),
        ("access_key.deleted", "done"),
        ("account.read", "failed"),
        ("account.read", "done"),
        ("keypair.created", "done"),
        ("keypair.deleted", "done"),
        ("buckets.refresh", "done"),
        ("buckets.preview", "done"),
        ("buckets.preview", "failed"),
        ("buckets.download", "done"),
        ("buckets.export", "done"),
        ("buckets.link", "done"),
        ("buckets.link", "failed"),
        ("bills.pull", "done"),
        ("costs.export", "done"),
        ("costs.reconcile", "done"),
        ("audit.export", "done"),
    }
    refused = [line for line in lines if line["action"] == "access_keys.refused"]
    assert [line["details"]["trouble"] for line in refused] == ["authentication", "not sent again"]
    mine = [line for line in lines if line["actor"] != "onboarding"]
    assert all((line["actor"], line["via"]) == (ACTOR.name, ACTOR.via) and line["at"] for line in mine)
    raw = workspace.settings.database.read_bytes() + Path(f"{workspace.settings.database}-wal").read_bytes()
    for one in known:
        assert one not in text and one not in json.loads(json.dumps(text))
        assert json.dumps(one)[1:-1] not in text
        assert one.encode() not in raw
    assert key["access_key_id"] in text  # what is no secret is found where it is looked for
    assert verify_trail(ACTOR, workspace).whole
