"""The clients against the sandbox: signatures that are verified, and a real object storage."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from core.domain.regions import Region
from core.outscale.errors import OutscaleError, Trouble
from core.outscale.oapi import Oapi
from core.outscale.oos import Oos
from core.outscale.regions import load_regions
from core.settings import Settings
from tests.clients.conftest import LISTENERS, assert_says_enough, proxy_at
from tests.clients.listeners import Proxy

WRONG = SecretStr("W" * 40)


def trouble(ask) -> Trouble:
    with pytest.raises(OutscaleError) as caught:
        ask()
    assert_says_enough(caught.value)
    return caught.value.trouble


def region_of(settings: Settings, key: dict) -> Region:
    return load_regions(settings)[key["region"]]


def signed(settings: Settings, account: dict) -> Oapi:
    key = account["access_keys"][0]
    return Oapi(region_of(settings, account), access_key=key["access_key_id"], secret_key=SecretStr(key["secret_key"]))


def special(settings: Settings, key: dict) -> Oapi:
    return Oapi(region_of(settings, key), access_key=key["access_key_id"], secret_key=SecretStr(key["secret_key"]))


def by_password(settings: Settings, account: dict) -> Oapi:
    return Oapi(region_of(settings, account), email=account["email"], password=SecretStr(account["password"]))


def storage(settings: Settings, key: dict, region: str | None = None) -> Oos:
    there = load_regions(settings)[region or key["region"]]
    return Oos(there, key["access_key_id"], SecretStr(key["secret_key"]))


def test_the_account_of_a_key(settings: Settings, sandbox) -> None:
    account = sandbox.account(0)
    with signed(settings, account) as api:
        api.probe()
        assert api.clock_skew is not None
        assert abs(api.clock_skew) < timedelta(seconds=5)
        assert api.read_accounts()[0].account_id == account["account_id"]
        api.check_authentication(account["email"], SecretStr(account["password"]))
        assert trouble(lambda: api.check_authentication(account["email"], WRONG)) is Trouble.AUTHENTICATION


def test_keys_that_are_refused(settings: Settings, sandbox) -> None:
    account = sandbox.account(0)
    key = account["access_keys"][0]
    region = region_of(settings, account)
    with Oapi(region, access_key=key["access_key_id"], secret_key=WRONG) as api:
        assert trouble(api.read_accounts) is Trouble.AUTHENTICATION
    with Oapi(region, email=account["email"], password=WRONG) as api:
        assert trouble(api.read_access_keys) is Trouble.AUTHENTICATION
    with by_password(settings, account) as api:
        assert trouble(api.read_accounts) is Trouble.WRONG_METHOD
    for kind, expected in (("inactive", Trouble.INACTIVE_KEY), ("expired", Trouble.EXPIRED_KEY)):
        with special(settings, sandbox.info["special"][kind]) as api:
            assert trouble(api.read_accounts) is expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("throttled", Trouble.THROTTLED),
        ("5xx", Trouble.SERVER),
        ("html", Trouble.NOT_JSON),
        ("cut", Trouble.CONNECTION),
        ("restrict", Trouble.ACCESS_RULE),
        ("lock", Trouble.LOCKED),
        ("skew", Trouble.CLOCK),
    ],
)
def test_faults(settings: Settings, sandbox, kind: str, expected: Trouble) -> None:
    sandbox.fault(kind)
    with signed(settings, sandbox.account(0)) as api:
        assert trouble(api.read_accounts) is expected


@pytest.mark.parametrize("kind", ["throttled", "5xx", "cut"])
def test_a_fault_that_passes_is_not_noticed(settings: Settings, sandbox, kind: str) -> None:
    sandbox.fault(kind, count=2)
    with signed(settings, sandbox.account(0)) as api:
        assert len(api.read_accounts()) == 1


def test_the_life_of_a_key(settings: Settings, sandbox) -> None:
    account = sandbox.account(2)
    until = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
    with by_password(settings, account) as api:
        key = api.create_access_key(expiration=until, tag="clients")
        assert (key.state, key.expiration_date, key.tag) == ("ACTIVE", until, "clients")
        api.update_access_key(key.access_key_id, state="INACTIVE", expiration=until)
        (listed,) = api.read_access_keys(ids=[key.access_key_id])
        assert (listed.state, listed.expiration_date, listed.tag) == ("INACTIVE", until, "clients")
        api.update_access_key(key.access_key_id, state="ACTIVE", expiration=None)
        assert api.read_access_keys(ids=[key.access_key_id])[0].expiration_date is None
        api.delete_access_key(key.access_key_id)
        assert api.read_access_keys(ids=[key.access_key_id]) == []
        assert trouble(lambda: api.delete_access_key(key.access_key_id)) is Trouble.NOT_FOUND


def test_what_a_key_may_do(settings: Settings, sandbox) -> None:
    with special(settings, sandbox.info["special"]["reporting"]) as api:
        assert api.may("ReadConsumptionAccount", FromDate="2026-01-01", ToDate="2026-01-02")
        assert not api.may("ReadVms")
        assert trouble(api.read_accounts) is Trouble.FORBIDDEN


def test_through_a_proxy(settings: Settings, sandbox, tls: ssl.SSLContext, ca_file: Path) -> None:
    account, key = sandbox.account(0), sandbox.info["billing"][0]
    with Proxy(tls=tls) as proxy:
        way = proxy_at(proxy.port)
        own = account["access_keys"][0]
        there = region_of(settings, account).model_copy(update={"ca_file": ca_file})
        options = {"proxy": way, "allowed": LISTENERS}
        with Oapi(there, access_key=own["access_key_id"], secret_key=SecretStr(own["secret_key"]), **options) as api:
            assert api.read_accounts()[0].account_id == account["account_id"]
        there = region_of(settings, key).model_copy(update={"ca_file": ca_file})
        bucket = next(one["name"] for one in key["buckets"] if one["region"] == key["region"])
        Oos(there, key["access_key_id"], SecretStr(key["secret_key"]), **options).head_bucket(bucket)
        assert len(proxy.lines) == 2


def test_billing_buckets(settings: Settings, sandbox) -> None:
    key = sandbox.info["billing"][0]
    for bucket in key["buckets"]:
        storage(settings, key, bucket["region"]).head_bucket(bucket["name"])
    bills = next(bucket for bucket in key["buckets"] if bucket["name"].endswith("csv"))
    there = storage(settings, key, bills["region"])
    top = there.list_objects(bills["name"])
    assert top.folders
    page = there.list_objects(bills["name"], delimiter="", limit=3)
    assert (len(page.objects), page.folders) == (3, [])
    assert page.next
    names = [stored.key for stored in page.objects]
    following = there.list_objects(bills["name"], delimiter="", limit=3, token=page.next)
    assert not set(names) & {stored.key for stored in following.objects}
    first = page.objects[0]
    opened = there.open(bills["name"], first.key)
    content = b"".join(opened.pieces)
    assert len(content) == opened.size == first.size
    assert there.read(bills["name"], first.key) == content
    assert there.read(bills["name"], first.key, start=3, length=5) == content[3:8]
    assert there.read(bills["name"], first.key, start=opened.size, length=5) == b""
    assert first.modified.tzinfo is UTC or first.modified.utcoffset() == timedelta()


def test_what_the_storage_refuses(settings: Settings, sandbox) -> None:
    key = sandbox.info["billing"][0]
    bucket = next(one["name"] for one in key["buckets"] if one["region"] == key["region"])
    foreign = next(
        name
        for account in (sandbox.account(0), sandbox.account(2))
        for name in storage(settings, account["access_keys"][0] | {"region": account["region"]}).list_buckets()
        if account["region"] == key["region"]
    )
    there = storage(settings, key)
    for ask in (there.head_bucket, there.list_objects):
        assert trouble(lambda ask=ask: ask("no-such-bucket-here")) is Trouble.NOT_FOUND
        assert trouble(lambda ask=ask: ask(foreign)) is Trouble.FORBIDDEN
    assert trouble(lambda: there.read(bucket, "no/such/key.csv")) is Trouble.NOT_FOUND
    assert trouble(lambda: there.open(bucket, "no/such/key.csv")) is Trouble.NOT_FOUND
    wrong = storage(settings, key | {"secret_key": WRONG.get_secret_value()})
    for ask in (wrong.list_buckets, lambda: wrong.head_bucket(bucket), lambda: wrong.list_objects(bucket)):
        assert trouble(ask) is Trouble.SIGNATURE
    unknown = storage(settings, key | {"access_key_id": "U" * 20})
    for ask in (unknown.list_buckets, lambda: unknown.head_bucket(bucket), lambda: unknown.list_objects(bucket)):
        assert trouble(ask) is Trouble.UNKNOWN_KEY
