"""Requests that are no proper calls, and dry runs."""

import json

import pytest
import requests

from core.sandbox.calls import CALLS
from core.sandbox.spec import Spec
from tests.sandbox.conftest import ClientFor


@pytest.mark.parametrize(
    ("call", "parameters", "status", "code", "kind"),
    [
        ("ReadAccounts", {"Unknown": 1}, 400, "3001", "InvalidParameter"),
        ("ReadAccessKeys", {"Filters": {"Unknown": ["x"]}}, 400, "3001", "InvalidParameter"),
        ("DeleteAccessKey", {}, 400, "7000", "MissingParameter"),
        ("DeleteAccessKey", {"AccessKeyId": ""}, 400, "7000", "MissingParameter"),
        ("UpdateAccessKey", {}, 400, "7000", "MissingParameter"),
        ("CheckAuthentication", {"Login": "x"}, 400, "7000", "MissingParameter"),
        ("UpdateAccount", {}, 400, "7000", "MissingParameter"),
        ("ReadAccessKeys", {"Tag": 5}, 400, "4108", "InvalidParameterValue"),
        ("ReadAccessKeys", {"Filters": {"States": "ACTIVE"}}, 400, "4108", "InvalidParameterValue"),
        ("UpdateAccount", {"AdditionalEmails": ["nobody"]}, 400, "4047", "InvalidParameterValue"),
        ("UpdateAccount", {"Email": "test@test"}, 400, "4118", "InvalidParameterValue"),
        ("ReadVms", {}, 400, "0", "DefaultError"),
    ],
)
def test_wrong_parameters(client: ClientFor, call: str, parameters: dict, status: int, code: str, kind: str) -> None:
    reply = client(2)(call, **parameters)
    assert (reply.status, reply.code, reply.body["Errors"][0]["Type"]) == (status, code, kind)
    assert reply.details


def test_a_body_that_is_no_object(client: ClientFor) -> None:
    one = client()
    for body in ("{", "[]", "\x00", '{"a":' * 50_000):
        assert one.send("ReadAccounts", body, auth=one.osc4()).code == "3002"
    assert one.send("ReadAccounts", "x" * 2_000_000).code == "3002"
    headers = {"Content-Type": "text/plain"}
    assert one.send("ReadAccounts", auth=one.osc4(content_type="text/plain"), headers=headers).code == "3010"


def test_no_such_call(client: ClientFor) -> None:
    one = client()
    assert one("ReadSecretAccessKey").code == "12000"
    assert one.send("ReadAccounts", method="GET").code == "12000"
    assert one.send("ReadAccounts", url=one.url.replace("v1", "v9") + "/ReadAccounts").code == "12000"


def test_the_addresses_above_the_calls(client: ClientFor, spec: Spec) -> None:
    base = client().url.removesuffix("/v1")
    versions = requests.post(base, timeout=5).json()
    assert "v1" in versions["Versions"]
    overview = requests.post(f"{base}/v1", json={}, timeout=5).json()
    assert overview["Minor"] == spec.version
    assert "ReadAccounts" in overview["Calls"]
    preflight = requests.options(f"{base}/v1/ReadAccounts", timeout=5)
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Methods"] == "GET,OPTIONS,POST"
    assert requests.post(f"{base}/v9", timeout=5).status_code == 400


def test_every_other_call_answers_a_dry_run(client: ClientFor, spec: Spec) -> None:
    one = client()
    others = [name for name in spec.calls if name not in CALLS and name.startswith("Read")]
    assert len(others) > 30
    for name in others:
        reply = one(name, DryRun=True)
        assert reply.code in (None, "7000", "3001"), (name, reply.body)
        if reply.status == 200:
            assert list(reply.body) == ["ResponseContext"]


def test_a_dry_run_changes_nothing(client: ClientFor) -> None:
    root = client(2)
    before = root.ok("ReadAccessKeys")["AccessKeys"]
    assert list(root.ok("CreateAccessKey", DryRun=True)) == ["ResponseContext"]
    assert root.ok("ReadAccessKeys")["AccessKeys"] == before


def test_errors_are_told_in_plain_json(client: ClientFor) -> None:
    reply = client(None)("ReadAccounts")
    assert reply.headers["Content-Type"] == "application/json"
    assert json.loads(json.dumps(reply.body))["Errors"][0].keys() == {"Code", "Type", "Details"}
