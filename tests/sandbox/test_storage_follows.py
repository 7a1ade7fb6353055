"""What the API does to keys, the object storage knows within two seconds."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import polars as pl
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.conftest import Sandbox
from tests.sandbox.conftest import EAST, WEST, ClientFor, Key, new_key

SECONDS = 2.0


def s3(sandbox: Sandbox, region: str, key: dict[str, Any] | Key) -> Any:
    key = Key(key["access_key_id"], key["secret_key"]) if isinstance(key, dict) else key
    return boto3.client(
        "s3",
        endpoint_url=sandbox.region(region)["oos"],
        region_name=region,
        aws_access_key_id=key.access_key_id,
        aws_secret_access_key=key.secret_key,
        config=Config(
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            retries={"total_max_attempts": 1},
            proxies={"http": "", "https": ""},
        ),
    )


def _code(ask: Callable[[], Any]) -> str:
    try:
        ask()
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "OK"


def _becomes(ask: Callable[[], Any], code: str, since: float) -> None:
    """Polls; two seconds after `since` it must be so."""
    while True:
        answer = _code(ask)
        if answer == code:
            return
        assert time.monotonic() - since <= SECONDS, answer
        time.sleep(0.05)


@pytest.fixture
def root_key(client: ClientFor):
    """A new key of the third account's root user, deleted after the test if it is still there."""
    root = client(2)
    made = root.ok("CreateAccessKey")["AccessKey"]
    yield Key(made["AccessKeyId"], made["SecretKey"])
    root("DeleteAccessKey", AccessKeyId=made["AccessKeyId"])


def test_a_key_from_birth_to_death(client: ClientFor, sandbox: Sandbox, root_key: Key) -> None:
    root, storage = client(2), s3(sandbox, WEST, root_key)
    _becomes(storage.list_buckets, "OK", time.monotonic())
    assert [bucket["Name"] for bucket in storage.list_buckets()["Buckets"]] == ["meadow-data"]
    for state, code in (("INACTIVE", "InvalidAccessKeyId"), ("ACTIVE", "OK")):
        root.ok("UpdateAccessKey", AccessKeyId=root_key.access_key_id, State=state)
        _becomes(storage.list_buckets, code, time.monotonic())
    root.ok("DeleteAccessKey", AccessKeyId=root_key.access_key_id)
    _becomes(storage.list_buckets, "InvalidAccessKeyId", time.monotonic())


def test_a_key_whose_time_is_over(client: ClientFor, sandbox: Sandbox, root_key: Key) -> None:
    root, storage = client(2), s3(sandbox, WEST, root_key)
    _becomes(storage.list_buckets, "OK", time.monotonic())
    until = datetime.now(UTC) + timedelta(seconds=1.5)
    root.ok("UpdateAccessKey", AccessKeyId=root_key.access_key_id, ExpirationDate=until.isoformat())
    _becomes(storage.list_buckets, "InvalidAccessKeyId", time.monotonic() + 1.5)
    assert client(root_key)("ReadAccounts").details == "The access key has expired."


def test_new_keys_are_in_the_file(client: ClientFor, sandbox: Sandbox, root_key: Key) -> None:
    def listed() -> list[str]:
        return [key["access_key_id"] for key in sandbox.account(2)["access_keys"]]

    deadline = time.monotonic() + SECONDS
    while root_key.access_key_id not in listed():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    client(2).ok("DeleteAccessKey", AccessKeyId=root_key.access_key_id)
    deadline = time.monotonic() + SECONDS
    while root_key.access_key_id in listed():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_billing_key_reads_its_own_buckets_only(sandbox: Sandbox) -> None:
    (billing,) = sandbox.info["billing"]
    assert len(billing["buckets"]) == 3
    counts = []
    for bucket in billing["buckets"]:
        storage, name = s3(sandbox, bucket["region"], billing), bucket["name"]
        page = storage.list_objects_v2(Bucket=name, MaxKeys=5)
        counts.append(page["KeyCount"])
        if page["KeyCount"]:
            assert storage.get_object(Bucket=name, Key=page["Contents"][0]["Key"])["Body"].read()
        assert _code(lambda s=storage, n=name: s.put_object(Bucket=n, Key="x", Body=b"x")) == "AccessDenied"
        assert _code(lambda s=storage, n=name: s.delete_bucket(Bucket=n)) == "AccessDenied"
    assert sorted(counts) == [0, 5, 5]
    west = s3(sandbox, WEST, billing)
    assert _code(lambda: west.list_objects_v2(Bucket="harbour-data")) == "AccessDenied"
    assert _code(lambda: west.list_objects_v2(Bucket="none-such")) == "NoSuchBucket"


def test_accounts_see_no_others_bucket(sandbox: Sandbox, special) -> None:
    own = s3(sandbox, WEST, sandbox.account(0)["access_keys"][0])
    assert own.list_objects_v2(Bucket="harbour-data")["KeyCount"] == 5
    own.put_object(Bucket="harbour-data", Key="mine", Body=b"x")
    own.delete_object(Bucket="harbour-data", Key="mine")
    for bucket in ("meadow-data", sandbox.info["billing"][0]["buckets"][0]["name"]):
        assert _code(lambda b=bucket: own.list_objects_v2(Bucket=b)) == "AccessDenied"
    wrong = Key(special("platform").key.access_key_id, "A" * 40)
    assert _code(s3(sandbox, WEST, wrong).list_buckets) == "SignatureDoesNotMatch"
    assert _code(s3(sandbox, EAST, sandbox.account(0)["access_keys"][0]).list_buckets) == "InvalidAccessKeyId"


def test_an_eim_users_key_owns_nothing(client: ClientFor, sandbox: Sandbox, user: str) -> None:
    storage = s3(sandbox, WEST, new_key(client(2), user))
    _becomes(lambda: storage.list_objects_v2(Bucket="meadow-data"), "AccessDenied", time.monotonic())


def test_a_bill_agrees_with_the_api(client: ClientFor, sandbox: Sandbox) -> None:
    """The last month of the Parquet bucket, and the API's figures for it."""
    (billing,) = sandbox.info["billing"]
    bucket = next(one["name"] for one in billing["buckets"] if one["region"] == EAST)
    storage = s3(sandbox, EAST, billing)
    keys = [one["Key"] for one in storage.list_objects_v2(Bucket=bucket)["Contents"] if one["Key"].endswith(".parquet")]
    key = max(keys)
    bill = pl.read_parquet(storage.get_object(Bucket=bucket, Key=key)["Body"].read())
    first = datetime.strptime(key[:7], "%Y-%m").replace(tzinfo=UTC)
    last = (first + timedelta(days=32)).replace(day=1)
    consumed = client(1).ok(
        "ReadConsumptionAccount", FromDate=str(first.date()), ToDate=str(last.date()), ShowPrice=True
    )["ConsumptionEntries"]
    total = sum(entry["Price"] for entry in consumed)
    assert total > 0
    assert float(bill["Price"].cast(pl.Float64).sum()) == pytest.approx(total, abs=1e-6)
