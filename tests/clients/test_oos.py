"""What the storage's client sends, and what it makes of the answers."""

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from core.outscale.errors import OutscaleError, Trouble
from core.outscale.oos import Oos
from tests.clients.conftest import SECRET_KEY, assert_says_enough, oos, region_at
from tests.clients.listeners import NO_BUCKETS, PAGE, Origin, Reply, s3_refused, xml

LISTING = xml(
    "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>more</NextContinuationToken>"
    "<EncodingType>url</EncodingType>"
    "<Contents><Key>2026/</Key><Size>0</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
    "<Contents><Key>2026/a%20b%2Bc.csv</Key><Size>12</Size><LastModified>2026-01-02T00:00:00.000Z</LastModified>"
    "<ETag>&quot;abc&quot;</ETag><StorageClass>STANDARD</StorageClass></Contents>"
    "<CommonPrefixes><Prefix>2026/01/</Prefix></CommonPrefixes></ListBucketResult>"
)
EMPTY = xml("<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")
NO_WORDS = {"x-amz-request-id": "a-request", "Content-Length": "0"}


def test_buckets() -> None:
    names = "".join(f"<Bucket><Name>{name}</Name></Bucket>" for name in ("bills-a", "bills-b"))
    with Origin(xml(f"<ListAllMyBucketsResult><Buckets>{names}</Buckets></ListAllMyBucketsResult>")) as origin:
        assert oos(region_at(origin.url)).list_buckets() == ["bills-a", "bills-b"]


def test_a_page_of_a_folder() -> None:
    with Origin(LISTING) as origin:
        page = oos(region_at(origin.url)).list_objects("bills", "2026/", limit=2, token="before")
        assert page.folders == ["2026/01/"]
        (stored,) = page.objects
        assert (stored.key, stored.size, stored.etag) == ("2026/a b+c.csv", 12, "abc")
        assert stored.modified == datetime(2026, 1, 2, tzinfo=UTC)
        assert page.next == "more"
        path = origin.seen[0].path
        assert path.startswith("/bills?list-type=2")
        assert all(part in path for part in ("prefix=2026%2F", "delimiter=%2F", "max-keys=2", "continuation-token=be"))


def test_the_last_page() -> None:
    with Origin(EMPTY) as origin:
        page = oos(region_at(origin.url)).list_objects("bills", delimiter="")
        assert (page.folders, page.objects, page.next) == ([], [], None)


@pytest.mark.parametrize(
    ("code", "status", "trouble"),
    [
        ("SignatureDoesNotMatch", 403, Trouble.SIGNATURE),
        ("InvalidAccessKeyId", 403, Trouble.UNKNOWN_KEY),
        ("AccessDenied", 403, Trouble.FORBIDDEN),
        ("RequestTimeTooSkewed", 403, Trouble.CLOCK),
        ("NoSuchBucket", 404, Trouble.NOT_FOUND),
    ],
)
def test_a_refused_head_is_explained_by_one_listing(code: str, status: int, trouble: Trouble) -> None:
    with Origin(Reply(status, b"", {}), s3_refused(code, status)) as origin:
        with pytest.raises(OutscaleError) as caught:
            oos(region_at(origin.url)).head_bucket("bills")
        assert caught.value.trouble is trouble
        assert_says_enough(caught.value)
        assert [seen.method for seen in origin.seen] == ["HEAD", "GET"]
        assert "max-keys=1" in origin.seen[1].path


def test_a_missing_bucket_needs_no_second_question() -> None:
    with Origin(Reply(404, b"", NO_WORDS)) as origin:
        with pytest.raises(OutscaleError) as caught:
            oos(region_at(origin.url)).head_bucket("bills")
        assert caught.value.trouble is Trouble.NOT_FOUND
        assert len(origin.seen) == 1


def test_a_bucket_that_is_there() -> None:
    with Origin(Reply(200, b"", NO_WORDS)) as origin:
        oos(region_at(origin.url)).head_bucket("bills")
        assert len(origin.seen) == 1


def test_a_part_of_a_file() -> None:
    with Origin(Reply(206, b"234", {"ETag": '"e"'})) as origin:
        assert oos(region_at(origin.url)).read("bills", "a.csv", start=2, length=3) == b"234"
        (seen,) = origin.seen
        assert seen.headers["range"] == "bytes=2-4"
        assert "x-amz-checksum-mode" not in seen.headers


def test_a_part_behind_the_end_is_empty() -> None:
    with Origin(s3_refused("InvalidRange", 416)) as origin:
        assert oos(region_at(origin.url)).read("bills", "empty.csv", length=1) == b""


def test_a_whole_file_piece_by_piece() -> None:
    content = bytes(range(256)) * 10_000
    headers = {"ETag": '"e"', "Content-Encoding": "gzip", "Content-Type": "text/html"}
    with Origin(Reply(200, content, headers)) as origin:
        opened = oos(region_at(origin.url)).open("bills", "a.csv.gz")
        assert opened.size == len(content)
        parts = list(opened.pieces)
        assert b"".join(parts) == content  # as stored, not unpacked
        assert len(parts) == 3


@pytest.mark.parametrize("key", ["a b/ü+%2F.csv", "a/../b.csv", "/a//b.csv", "a?b#c.csv"])
def test_a_key_goes_out_as_it_was_signed(key: str) -> None:
    with Origin(Reply(200, b"x", {"ETag": '"e"'})) as origin:
        oos(region_at(origin.url)).read("bills", key)
        assert ".." not in key or ".." in origin.seen[0].path
        assert "//" not in key or "//" in origin.seen[0].path
        assert origin.seen[0].path.count("?") == 0


@pytest.mark.parametrize(
    "reply", [PAGE, Reply(200, b"hello"), Reply(200, b"<html>", {}), Reply(403, PAGE.body, PAGE.headers)]
)
def test_something_else_is_no_storage(reply: Reply) -> None:
    with Origin(reply) as origin:
        storage = oos(region_at(origin.url))
        for ask in (storage.list_buckets, lambda: storage.list_objects("bills")):
            with pytest.raises(OutscaleError) as caught:
                ask()
            assert caught.value.trouble is Trouble.NOT_JSON
            assert_says_enough(caught.value)


def test_a_page_is_no_file() -> None:
    with Origin(PAGE) as origin:
        with pytest.raises(OutscaleError) as caught:
            oos(region_at(origin.url)).read("bills", "a.csv")
        assert caught.value.trouble is Trouble.NOT_JSON


def test_a_hundred_clients_in_a_second() -> None:
    region = region_at("http://127.0.0.1:9")
    oos(region)  # the first reads the service's description
    begun = time.process_time()
    for number in range(100):
        Oos(region, f"{number:020}", SecretStr(SECRET_KEY))
    assert time.process_time() - begun < 1.5


def test_many_at_once() -> None:
    def lists(number: int) -> list[str]:
        return Oos(region, f"{number:020}", SecretStr(SECRET_KEY)).list_buckets()

    with Origin(NO_BUCKETS) as origin:
        region = region_at(origin.url)
        with ThreadPoolExecutor(16) as pool:
            assert all(found == [] for found in pool.map(lists, range(64)))
        signed = {seen.headers["authorization"].split("Credential=")[1][:20] for seen in origin.seen}
        assert signed == {f"{number:020}" for number in range(64)}


def test_nothing_secret_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Origin(NO_BUCKETS) as origin:
        oos(region_at(origin.url)).list_buckets()
    assert SECRET_KEY not in caplog.text
