"""boto3 against the object storage, told of OUTSCALE as its compatibility page says: path style, checksums only when
required."""

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

OUTSCALE = Config(
    s3={"addressing_style": "path"},
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)


@pytest.fixture
def storage(bare, account):
    return boto3.client(
        "s3",
        endpoint_url=account["oos"],
        region_name=account["region"],
        aws_access_key_id=account["access_key_id"],
        aws_secret_access_key=account["secret_key"],
        config=OUTSCALE,
    )


def test_objects_come_and_go(storage) -> None:
    (bucket,) = [one["Name"] for one in storage.list_buckets()["Buckets"]]
    key = "conformance/é + space.txt"
    storage.put_object(Bucket=bucket, Key=key, Body=b"hello", ContentType="text/plain")
    try:
        assert storage.head_object(Bucket=bucket, Key=key)["ContentLength"] == 5
        got = storage.get_object(Bucket=bucket, Key=key, Range="bytes=1-3")
        assert (got["Body"].read(), got["ContentType"]) == (b"ell", "text/plain")
        listed = storage.list_objects_v2(Bucket=bucket, Prefix="conformance/", Delimiter="/")
        assert [one["Key"] for one in listed["Contents"]] == [key]
        folders = storage.list_objects_v2(Bucket=bucket, Delimiter="/")["CommonPrefixes"]
        assert {"Prefix": "conformance/"} in folders
        parts = storage.create_multipart_upload(Bucket=bucket, Key="conformance/parts")["UploadId"]
        storage.abort_multipart_upload(Bucket=bucket, Key="conformance/parts", UploadId=parts)
    finally:
        storage.delete_object(Bucket=bucket, Key=key)
    with pytest.raises(ClientError) as refused:
        storage.get_object(Bucket=bucket, Key=key)
    assert refused.value.response["Error"]["Code"] == "NoSuchKey"


def test_page_by_page(storage) -> None:
    bucket = storage.list_buckets()["Buckets"][0]["Name"]
    pages = storage.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2})
    keys = [one["Key"] for page in pages for one in page.get("Contents", [])]
    assert len(keys) == len(set(keys)) >= 5
    assert keys == sorted(keys)


def test_the_sandbox_api_takes_no_bucket_for_another(storage, sandbox) -> None:
    bucket = sandbox.info["billing"][0]["buckets"][0]["name"]
    with pytest.raises(ClientError) as refused:
        storage.head_bucket(Bucket=bucket)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    with pytest.raises(ClientError) as missing:
        storage.head_bucket(Bucket="none-such-bucket")
    assert missing.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
