"""The life of access keys, with its traps."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.sandbox.conftest import ClientFor, new_key


def _in(days: float) -> datetime:
    return (datetime.now(UTC) + timedelta(days=days)).replace(microsecond=0)


def test_create_read_update_delete(client: ClientFor, user: str) -> None:
    root = client(2)
    until = _in(30)
    created = root.ok("CreateAccessKey", UserName=user, Tag="ci", ExpirationDate=until.isoformat())["AccessKey"]
    assert created["State"] == "ACTIVE"
    assert len(created["AccessKeyId"]) == 20
    assert len(created["SecretKey"]) == 40
    assert created["ExpirationDate"] == until.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    (read,) = root.ok("ReadAccessKeys", UserName=user)["AccessKeys"]
    assert read == {name: value for name, value in created.items() if name != "SecretKey"}
    key_id = created["AccessKeyId"]
    for filters, found in [
        ({"AccessKeyIds": [key_id]}, 1),
        ({"AccessKeyIds": ["A" * 20]}, 0),
        ({"States": ["ACTIVE", "INACTIVE"]}, 1),
        ({"States": ["INACTIVE"]}, 0),
        ({"States": ["WHATEVER"]}, 0),
    ]:
        assert len(root.ok("ReadAccessKeys", UserName=user, Filters=filters)["AccessKeys"]) == found
    assert len(root.ok("ReadAccessKeys", UserName=user, Tag="ci")["AccessKeys"]) == 1
    assert root.ok("ReadAccessKeys", UserName=user, Tag="cd")["AccessKeys"] == []
    root.ok("UpdateAccessKey", UserName=user, AccessKeyId=key_id, State="INACTIVE")
    assert list(root.ok("DeleteAccessKey", UserName=user, AccessKeyId=key_id)) == ["ResponseContext"]
    assert root.ok("ReadAccessKeys", UserName=user)["AccessKeys"] == []


def test_a_state_without_a_date_takes_the_date_away(client: ClientFor, user: str) -> None:
    root = client(2)
    key = new_key(root, user, ExpirationDate=str(_in(30).date()))
    update = {"UserName": user, "AccessKeyId": key.access_key_id}
    tagged = root.ok("UpdateAccessKey", **update, Tag="new")["AccessKey"]
    assert "ExpirationDate" in tagged
    kept = root.ok("UpdateAccessKey", **update, State="INACTIVE", ExpirationDate=tagged["ExpirationDate"])["AccessKey"]
    assert kept["ExpirationDate"] == tagged["ExpirationDate"]
    lost = root.ok("UpdateAccessKey", **update, State="ACTIVE")["AccessKey"]
    assert "ExpirationDate" not in lost
    assert lost["Tag"] == "new"
    again = root.ok("UpdateAccessKey", **update, ExpirationDate=str(_in(9).date()))["AccessKey"]
    assert again["State"] == "ACTIVE"
    bare = root.ok("UpdateAccessKey", **update, ClearExpirationDate=True, ClearTag=True)["AccessKey"]
    assert not bare.keys() & {"ExpirationDate", "Tag"}


def test_an_eim_users_key_must_be_inactive_to_be_deleted(client: ClientFor, user: str) -> None:
    root = client(2)
    key = new_key(root, user)
    reply = root("DeleteAccessKey", UserName=user, AccessKeyId=key.access_key_id)
    assert (reply.status, reply.code) == (409, "6003")
    assert len(root.ok("ReadAccessKeys", UserName=user)["AccessKeys"]) == 1


def test_a_root_key_may_be_deleted_while_active(client: ClientFor) -> None:
    root = client(2)
    key_id = root.ok("CreateAccessKey")["AccessKey"]["AccessKeyId"]
    root.ok("DeleteAccessKey", AccessKeyId=key_id)
    assert key_id not in [key["AccessKeyId"] for key in root.ok("ReadAccessKeys")["AccessKeys"]]


def test_ten_keys_a_user(client: ClientFor, user: str) -> None:
    root = client(2)
    for _ in range(10):
        new_key(root, user)
    reply = root("CreateAccessKey", UserName=user)
    assert (reply.status, reply.code, reply.body["Errors"][0]["Type"]) == (
        400,
        "10005",
        "TooManyResources (QuotaExceded)",
    )


@pytest.mark.parametrize(
    ("call", "parameters", "code"),
    [
        ("CreateAccessKey", {"ExpirationDate": "tomorrow"}, "4047"),
        ("CreateAccessKey", {"ExpirationDate": "2020-01-01"}, "4047"),
        ("CreateAccessKey", {"UserName": "no-such-user"}, "5075"),
        ("UpdateAccessKey", {"AccessKeyId": "A" * 20, "State": "ACTIVE"}, "4122"),
        ("DeleteAccessKey", {"AccessKeyId": "A" * 20}, "5076"),
    ],
)
def test_refusals(client: ClientFor, call: str, parameters: dict, code: str) -> None:
    reply = client(2)(call, **parameters)
    assert (reply.status, reply.code) == (400, code)


@pytest.mark.parametrize(
    ("change", "code"),
    [({"State": "DELETED"}, "4123"), ({"ExpirationDate": "never"}, "4123"), ({}, "7000")],
)
def test_refused_changes(client: ClientFor, user: str, change: dict, code: str) -> None:
    root = client(2)
    key = new_key(root, user)
    assert root("UpdateAccessKey", UserName=user, AccessKeyId=key.access_key_id, **change).code == code


def test_the_keys_of_another_account_are_out_of_reach(client: ClientFor) -> None:
    other = client(0).key
    assert other
    assert client(2)("UpdateAccessKey", AccessKeyId=other.access_key_id, State="INACTIVE").code == "4122"
    assert client(2)("DeleteAccessKey", AccessKeyId=other.access_key_id).code == "5076"


def test_an_eim_user_keeps_to_its_own_keys(client: ClientFor, user: str, sandbox) -> None:
    key = new_key(client(2), user)
    own = client(key)
    assert [one["AccessKeyId"] for one in own.ok("ReadAccessKeys")["AccessKeys"]] == [key.access_key_id]
    assert own("ReadAccessKeys", UserName=user).status == 200
    refused = own("ReadAccessKeys", UserName="somebody-else")
    assert (refused.status, refused.code) == (401, "5")
    created = own.ok("CreateAccessKey")["AccessKey"]["AccessKeyId"]
    assert created in [one["AccessKeyId"] for one in client(2).ok("ReadAccessKeys", UserName=user)["AccessKeys"]]
