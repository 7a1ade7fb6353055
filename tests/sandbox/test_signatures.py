"""Who is let in: signatures of both kinds, passwords, the clock, keys that do not work."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest

from core.sandbox.spec import Spec
from tests.sandbox.conftest import EAST, WEST, ClientFor, Key


def test_the_sdks_signature(client: ClientFor) -> None:
    assert client().ok("ReadAccounts")["Accounts"]


def test_the_host_may_be_signed_with_its_port(client: ClientFor) -> None:
    one = client()
    host = one.url.split("/")[2]
    assert one.send("ReadAccounts", auth=one.osc4(host)).status == 200
    assert one.send("ReadAccounts", auth=one.osc4("localhost")).code == "1"


@pytest.mark.parametrize("version", ["v1", "latest"])
def test_botocores_signature(client: ClientFor, version: str) -> None:
    one = client()
    url = one.url.replace("/api/v1", f"/api/{version}")
    assert one.aws4("ReadAccounts", url=f"{url}/ReadAccounts").status == 200
    assert one.aws4("ReadAccounts", url=f"{url}/ReadAccounts?b=2&a=%20x").status == 200


def test_a_signature_for_something_else_is_refused(client: ClientFor) -> None:
    one = client()
    assert one.aws4("ReadAccounts", service="ec2").code == "1"
    assert one.send("ReadAccounts", auth=one.osc4(region="eu-west-2")).code == "1"
    one.ok("ReadAccounts")  # four failures in a row would lock
    tampered = one.osc4()
    headers = tampered.forge_headers_signed("/api/v1/ReadAccessKeys", "{}")
    assert one.send("ReadAccessKeys", '{"Tag":"x"}', headers=headers).code == "1"
    assert one.send("ReadAccounts", "{}", headers=headers).code == "1"
    assert one.send("ReadAccessKeys", "{}", headers=headers).status == 200


def test_a_signature_that_leaves_out_host_or_date_is_refused(client: ClientFor) -> None:
    one = client()
    headers = one.osc4().forge_headers_signed("/api/v1/ReadAccounts", "{}")
    for name in ("host;", ";x-osc-date"):
        cut = headers | {"Authorization": headers["Authorization"].replace(name, "")}
        assert one.send("ReadAccounts", headers=cut).code == "1"


def test_a_wrong_secret_an_unknown_key_and_none_at_all(client: ClientFor) -> None:
    one = client()
    assert one.key
    wrong = client(Key(one.key.access_key_id, "A" * 40))("ReadAccounts")
    unknown = client(Key("A" * 20, "A" * 40))("ReadAccounts")
    unsigned = client(None)("ReadAccounts")
    assert [(reply.status, reply.code) for reply in (wrong, unknown, unsigned)] == [(401, "1")] * 3
    assert wrong.details == unknown.details  # nobody learns which keys there are
    odd = one.send("ReadAccounts", headers={"Authorization": "Bearer abc"})
    assert (odd.status, odd.code) == (401, "12")
    for text in (
        "OSC4-HMAC-SHA256",
        "OSC4-HMAC-SHA256 Credential=a/b, SignedHeaders=, Signature=",
        "AWS4-HMAC-SHA256 x",
    ):
        assert one.send("ReadAccounts", headers={"Authorization": text}).code == "1"


def test_a_key_of_the_other_region_is_unknown(client: ClientFor) -> None:
    west, east = client(0), client(1)
    assert (west.region, east.region) == (WEST, EAST)
    assert client(west.key, EAST)("ReadAccounts").code == "1"
    assert east.ok("ReadAccounts")["Accounts"][0]["AccountId"] != west.ok("ReadAccounts")["Accounts"][0]["AccountId"]


def test_inactive_and_expired_keys_say_so(special) -> None:
    inactive, expired = special("inactive")("ReadAccounts"), special("expired")("ReadAccounts")
    assert (inactive.status, inactive.code, inactive.details) == (401, "1", "The access key is INACTIVE.")
    assert (expired.status, expired.code, expired.details) == (401, "1", "The access key has expired.")
    assert special("expiring")("ReadAccounts").status == 200


@pytest.mark.parametrize(("minutes", "code"), [(-6, "15"), (-4, None), (4, None), (6, "15")])
def test_the_clock_may_be_five_minutes_off(client: ClientFor, minutes: int, code: str | None) -> None:
    one = client()
    auth = one.osc4()
    then = datetime.now(UTC) + timedelta(minutes=minutes)
    auth.build_dates = lambda: (then.strftime("%Y%m%dT%H%M%SZ"), then.strftime("%Y%m%d"))
    reply = one.send("ReadAccounts", auth=auth)
    assert (reply.status, reply.code) == ((401, code) if code else (200, None))
    assert abs(parsedate_to_datetime(reply.headers["Date"]) - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_time_that_is_none(client: ClientFor) -> None:
    one = client()
    auth = one.osc4()
    auth.build_dates = lambda: ("yesterday", "20200101")
    assert one.send("ReadAccounts", auth=auth).code == "15"


def test_which_calls_take_a_password(spec: Spec) -> None:
    assert len(spec.password_calls) == 14
    assert "ReadAccessKeys" in spec.password_calls
    assert len(spec.open_calls) == 8


def _by_password(one, account: dict, call: str, password: str | None = None, email: str | None = None):
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    basic = (email or account["email"], account["password"] if password is None else password)
    return one.send(call, auth=basic, headers={"X-Osc-Date": stamp})


def test_a_password_opens_some_calls(client: ClientFor, sandbox) -> None:
    one, account = client(None), sandbox.account(2)
    assert _by_password(one, account, "ReadAccessKeys").body["AccessKeys"]
    assert _by_password(one, account, "ReadApiAccessPolicy").status == 200
    refused = _by_password(one, account, "ReadAccounts")
    assert (refused.status, refused.code, refused.body["Errors"][0]["Type"]) == (401, "9", "AuthFailure")
    wrong = _by_password(one, account, "ReadAccessKeys", "not the password")
    unknown = _by_password(one, account, "ReadAccessKeys", email="nobody@nowhere.example")
    assert (wrong.status, wrong.code, wrong.body["Errors"]) == (401, "1", unknown.body["Errors"])
    empty = _by_password(one, account, "ReadAccessKeys", "")
    assert (empty.status, empty.code) == (403, "10")
    assert one.send("ReadAccessKeys", headers={"Authorization": "Basic ***"}).code == "1"
    assert one.send("ReadAccessKeys", auth=(account["email"], account["password"])).code == "15"


def test_open_calls_need_nothing(client: ClientFor) -> None:
    regions = client(None).ok("ReadRegions")["Regions"]
    assert [region["RegionName"] for region in regions] == [WEST, EAST]
    assert not any("://" in region["Endpoint"] for region in regions)
    assert client(None).ok("ReadPublicCatalog")["Catalog"]["Entries"]
