"""Faults on demand, as clients meet them, and the terminal's commands for them."""

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest
import requests

from core.sandbox import control
from core.sandbox.control import ControlError
from core.sandbox.faults import KINDS
from core.settings import Settings
from tests.conftest import Sandbox
from tests.sandbox.conftest import EAST, WEST, ClientFor, Key


def test_slow(client: ClientFor, sandbox: Sandbox) -> None:
    sandbox.fault("slow", seconds=0.6, count=1)
    begun = time.monotonic()
    client().ok("ReadAccounts")
    assert time.monotonic() - begun >= 0.6
    begun = time.monotonic()
    client().ok("ReadAccounts")
    assert time.monotonic() - begun < 0.6


def test_throttled_and_5xx(client: ClientFor, sandbox: Sandbox) -> None:
    sandbox.fault("throttled", count=2)
    replies = [client()("ReadAccounts") for _ in range(3)]
    assert [(reply.status, reply.code) for reply in replies] == [(429, "24"), (429, "24"), (200, None)]
    sandbox.fault("5xx", region=EAST)
    assert (client(1)("ReadAccounts").status, client(0)("ReadAccounts").status) == (500, 200)


def test_html(client: ClientFor, sandbox: Sandbox) -> None:
    sandbox.fault("html")
    answer = requests.post(f"{client().url}/ReadAccounts", json={}, timeout=5)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.text.startswith("<!doctype html>")


def test_cut(client: ClientFor, sandbox: Sandbox) -> None:
    sandbox.fault("cut", count=2)
    for _ in range(2):
        with pytest.raises(requests.ConnectionError, match="without response"):
            client()("ReadAccounts")
    assert client()("ReadAccounts").status == 200


def test_skew(client: ClientFor, sandbox: Sandbox) -> None:
    sandbox.fault("skew", region=WEST)
    reply = client(0)("ReadAccounts")
    assert reply.code == "15"
    ahead = parsedate_to_datetime(reply.headers["Date"]) - datetime.now(UTC)
    assert abs(ahead - timedelta(hours=1)) < timedelta(seconds=5)
    assert client(1)("ReadAccounts").status == 200
    sandbox.fault("skew", region=WEST, seconds=-100)
    assert client(0)("ReadAccounts").status == 200


def test_restrict(client: ClientFor, sandbox: Sandbox) -> None:
    sandbox.fault("restrict", account_id=sandbox.account(2)["account_id"])
    reply = client(2)("ReadAccounts")
    assert (reply.status, reply.code) == (401, "14")
    assert client(0)("ReadAccounts").status == 200
    assert client(None)("ReadRegions").status == 200
    key = client(2).key
    assert key
    assert client(Key(key.access_key_id, "A" * 40))("ReadAccounts").code == "1"  # rules speak to the authenticated


def _with_password(one, account: dict, call: str):
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return one.send(call, auth=(account["email"], account["password"]), headers={"X-Osc-Date": stamp})


def test_a_required_certificate(client: ClientFor, sandbox: Sandbox) -> None:
    account = sandbox.account(2)
    sandbox.fault("ca-required", account_id=account["account_id"])
    for reply in (client(2)("ReadAccounts"), _with_password(client(2), account, "ReadAccessKeys")):
        assert (reply.status, reply.code, reply.body["Errors"][0]["Type"]) == (401, "14", "AccessDenied")
    assert client(0)("ReadAccounts").status == 200
    sandbox.clear()
    assert client(2)("ReadAccounts").status == 200


def test_an_expired_password(client: ClientFor, sandbox: Sandbox) -> None:
    account = sandbox.account(2)
    sandbox.fault("password-expired", account_id=account["account_id"])
    asked = {"Login": account["email"], "Password": account["password"]}
    for _ in range(5):  # no failed sign-in: it never locks
        reply = _with_password(client(2), account, "ReadAccessKeys")
        assert (reply.status, reply.code, reply.body["Errors"][0]["Type"]) == (401, "20", "PasswordExpired")
    assert client(0)("CheckAuthentication", **asked).code == "20"
    wrong = _with_password(client(2), account | {"password": "wrong"}, "ReadAccessKeys")
    assert wrong.code == "1"  # who does not know the password learns nothing about it
    assert client(2)("ReadAccounts").status == 200
    assert _with_password(client(0), sandbox.account(0), "ReadAccessKeys").status == 200


def test_lock(client: ClientFor, sandbox: Sandbox) -> None:
    sandbox.fault("lock", account_id=sandbox.account(2)["account_id"], seconds=90)
    reply = client(2)("ReadAccounts")
    assert reply.code == "13"
    assert "90 seconds" in reply.details or "89 seconds" in reply.details
    assert client(0)("ReadAccounts").status == 200
    sandbox.clear()
    assert client(2)("ReadAccounts").status == 200


def test_the_control_address_wants_its_token(sandbox: Sandbox) -> None:
    url = sandbox.info["control"]["url"]
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        assert requests.post(f"{url}/faults", json={"kind": "cut"}, headers=headers, timeout=5).status_code == 401
        assert requests.post(f"{url}/reset", headers=headers, timeout=5).status_code == 401
    assert control.status(sandbox.settings)["faults"] == []


def test_what_cannot_be(sandbox: Sandbox, tmp_path) -> None:
    for options, words in [
        ({"kind": "flood"}, "There is no fault flood"),
        ({"kind": "cut", "region": "eu-west-2"}, "no Region eu-west-2"),
        ({"kind": "cut", "count": 0}, "count"),
    ]:
        with pytest.raises(ControlError, match=words):
            control.set_fault(sandbox.settings, **options)
    with pytest.raises(ControlError, match="does not run"):
        control.set_fault(Settings(home=tmp_path), "cut")
    assert control.status(Settings(home=tmp_path)) == {"running": False}


def _terminal(sandbox: Sandbox, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"ONBOARDING_HOME": str(sandbox.settings.home)}
    command = [sys.executable, "-m", "core.sandbox.cli", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)


def test_the_terminal(sandbox: Sandbox, client: ClientFor) -> None:
    said = _terminal(sandbox, "fault", "5xx", "--region", WEST, "--count", "1", "--json")
    (fault,) = json.loads(said.stdout)["faults"]
    assert (fault["kind"], fault["region"], fault["count"]) == ("5xx", WEST, 1)
    assert client()("ReadAccounts").status == 500
    account_id = sandbox.account(2)["account_id"]
    said = _terminal(sandbox, "fault", "password-expired", "--account-id", account_id)
    assert "password-expired" in said.stdout
    assert control.status(sandbox.settings)["faults"][-1]["account_id"] == account_id
    assert "No fault" in _terminal(sandbox, "fault", "clear").stdout
    shown = _terminal(sandbox, "status").stdout
    assert client().url in shown
    assert sandbox.info["control"]["token"] not in shown
    refused = _terminal(sandbox, "fault", "flood")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert all(kind in refused.stderr for kind in KINDS)
