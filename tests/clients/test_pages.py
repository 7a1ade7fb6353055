"""A page of a listing, in columns: what is asked for, and what is made of the answers."""

import pytest

from core.outscale.errors import OutscaleError, Trouble
from core.outscale.oos_pages import ListedPage, parse_page
from tests.clients.conftest import assert_says_enough, oos, region_at
from tests.clients.listeners import PAGE, Origin, Reply, s3_refused, xml
from tests.clients.test_oos import LISTING

WHOLE = ListedPage(
    keys=["2026/", "2026/a b+c.csv"],
    sizes=[0, 12],
    modified=["2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z"],
    etags=["", "abc"],
    classes=["STANDARD", "STANDARD"],
    folders=["2026/01/"],
    token="more",
)


def test_what_is_asked_and_given() -> None:
    with Origin(LISTING) as origin:
        page = oos(region_at(origin.url)).list_page("bills", prefix="2026/", delimiter="/", after="2026/ü ~.csv")
        assert page == WHOLE
        seen = origin.seen[0]
        assert seen.path == (
            "/bills?list-type=2&encoding-type=url&prefix=2026%2F&delimiter=%2F&start-after=2026%2F%C3%BC%20~.csv"
        )
        assert seen.headers["authorization"].startswith("AWS4-HMAC-SHA256")


def test_with_a_namespace_and_without_encoding() -> None:
    text = LISTING.body.decode().replace("<EncodingType>url</EncodingType>", "")
    text = text.replace("<ListBucketResult>", '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">')
    page = parse_page(text.encode())
    assert page.keys == ["2026/", "2026/a%20b%2Bc.csv"]
    assert page.folders == ["2026/01/"]
    assert page.token == "more"


@pytest.mark.parametrize(
    ("reply", "trouble"),
    [
        (s3_refused("AccessDenied", 403), Trouble.FORBIDDEN),
        (s3_refused("SignatureDoesNotMatch", 403), Trouble.SIGNATURE),
        (s3_refused("NoSuchBucket", 404), Trouble.NOT_FOUND),
        (s3_refused("SlowDown", 503), Trouble.THROTTLED),
        (Reply(500, b"", {}), Trouble.SERVER),
        (PAGE, Trouble.NOT_JSON),
        (xml("<Surprise/>"), Trouble.NOT_JSON),
        (xml("<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>"), Trouble.NOT_JSON),
        (xml("<ListBucketResult>"), Trouble.NOT_JSON),
    ],
)
def test_what_is_no_listing(reply: Reply, trouble: Trouble) -> None:
    with Origin(reply, reply, reply) as origin, pytest.raises(OutscaleError) as caught:
        oos(region_at(origin.url)).list_page("bills")
    assert caught.value.trouble is trouble
    assert_says_enough(caught.value)
    assert len(origin.seen) == (3 if caught.value.passing else 1)


def test_a_throttled_page_is_asked_for_again() -> None:
    with Origin(s3_refused("SlowDown", 503), LISTING) as origin:
        assert oos(region_at(origin.url)).list_page("bills") == WHOLE
        assert len(origin.seen) == 2


def test_entities_are_never_expanded() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY b "bbbb">]><ListBucketResult><Name>&b;</Name></ListBucketResult>'
    with pytest.raises(ValueError, match="document type"):
        parse_page(bomb)


@pytest.mark.parametrize(("keys", "ordered"), [([], True), (["a"], True), (["a-", "a/"], True), (["a/", "a-"], False)])
def test_the_order_of_object_keys(keys: list[str], ordered: bool) -> None:
    assert ListedPage(keys=keys).ordered is ordered
