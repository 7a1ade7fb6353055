"""The account's API access policy: how long its keys may live."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.conftest import Sandbox
from tests.sandbox.conftest import Client, ClientFor, Reply, new_key

DAY = 86_400


def _in(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _set(root: Client, seconds: int, trusted: bool = False) -> Reply:
    return root("UpdateApiAccessPolicy", MaxAccessKeyExpirationSeconds=seconds, RequireTrustedEnv=trusted)


@pytest.fixture
def root(client: ClientFor) -> Iterator[Client]:
    """The third account, whose root keys expire in 10 days; without a policy again after the test."""
    root = client(2)
    keys = [key["AccessKeyId"] for key in root.ok("ReadAccessKeys")["AccessKeys"]]
    for key in keys:
        root.ok("UpdateAccessKey", AccessKeyId=key, ExpirationDate=_in(10))
    yield root
    assert _set(root, 0).status == 200
    for key in keys:
        root.ok("UpdateAccessKey", AccessKeyId=key, ClearExpirationDate=True)


@pytest.fixture
def month(root: Client, user: str) -> Iterator[Callable[..., Reply]]:
    """Creates keys of an EIM user where a key may live for 30 days."""
    assert _set(root, 30 * DAY).status == 200
    yield lambda **parameters: root("CreateAccessKey", UserName=user, **parameters)
    assert _set(root, 0).status == 200


def test_it_is_read_as_it_was_set(root: Client, client: ClientFor) -> None:
    policy = {"MaxAccessKeyExpirationSeconds": 30 * DAY, "RequireTrustedEnv": True}
    assert _set(root, 30 * DAY, trusted=True).body["ApiAccessPolicy"] == policy
    assert root.ok("ReadApiAccessPolicy")["ApiAccessPolicy"] == policy
    assert client(0).ok("ReadApiAccessPolicy")["ApiAccessPolicy"]["MaxAccessKeyExpirationSeconds"] == 0


def test_it_may_be_set_with_the_password(root: Client, sandbox: Sandbox) -> None:
    account, stamp = sandbox.account(2), datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    reply = root.send(
        "UpdateApiAccessPolicy",
        '{"MaxAccessKeyExpirationSeconds": 2592000, "RequireTrustedEnv": false}',
        auth=(account["email"], account["password"]),
        headers={"X-Osc-Date": stamp},
    )
    assert reply.status == 200
    assert root.ok("ReadApiAccessPolicy")["ApiAccessPolicy"]["MaxAccessKeyExpirationSeconds"] == 2_592_000


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"MaxAccessKeyExpirationSeconds": DAY}, "7000"),
        ({"RequireTrustedEnv": False}, "7000"),
        ({"MaxAccessKeyExpirationSeconds": -1, "RequireTrustedEnv": False}, "4047"),
        ({"MaxAccessKeyExpirationSeconds": 3_153_600_001, "RequireTrustedEnv": False}, "4047"),
        ({"MaxAccessKeyExpirationSeconds": 0, "RequireTrustedEnv": True}, "4047"),
        ({"MaxAccessKeyExpirationSeconds": 9 * DAY, "RequireTrustedEnv": False}, "4047"),  # a key lives longer
    ],
)
def test_what_cannot_be_set(root: Client, parameters: dict, code: str) -> None:
    reply = root("UpdateApiAccessPolicy", **parameters)
    assert (reply.status, reply.code) == (400, code)
    assert root.ok("ReadApiAccessPolicy")["ApiAccessPolicy"]["MaxAccessKeyExpirationSeconds"] == 0


def test_an_everlasting_key_forbids_a_bound(root: Client, user: str) -> None:
    new_key(root, user)
    assert _set(root, 3_153_600_000).code == "4047"


def test_a_new_key_must_expire_within_it(root: Client, month: Callable[..., Reply]) -> None:
    for parameters in ({}, {"ExpirationDate": _in(30.1)}):
        refused = month(**parameters)
        assert (refused.status, refused.code) == (400, "4047")
        assert refused.body["Errors"][0]["Type"] == "InvalidParameterValue"
    assert month(ExpirationDate=_in(29.9)).status == 200


def test_a_changed_key_must_expire_within_it(root: Client, month: Callable[..., Reply], user: str) -> None:
    key = month(ExpirationDate=_in(20)).body["AccessKey"]
    update = {"UserName": user, "AccessKeyId": key["AccessKeyId"]}
    for change in ({"State": "INACTIVE"}, {"ClearExpirationDate": True}, {"ExpirationDate": _in(31)}):
        assert root("UpdateAccessKey", **update, **change).code == "4047", change
    (read,) = root.ok("ReadAccessKeys", UserName=user)["AccessKeys"]
    assert (read["State"], read["ExpirationDate"]) == ("ACTIVE", key["ExpirationDate"])
    assert root("UpdateAccessKey", **update, Tag="kept").status == 200
