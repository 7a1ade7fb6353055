"""What is sent again and what never is: an account locks after four failures, and a write may have happened."""

import time

import pytest
from pydantic import SecretStr

from core.outscale import transport
from core.outscale.errors import OutscaleError, Trouble
from core.outscale.oapi import Oapi
from tests.clients.conftest import ACCOUNT_PASSWORD, EMAIL, assert_says_enough, oapi, oos, region_at
from tests.clients.listeners import NO_BUCKETS, VERSION, Origin, Reply, refused, s3_refused, said

ACCOUNTS = said({"Accounts": [{"AccountId": "123456789012"}]})
KEY = {"AccessKeyId": "A" * 20, "State": "ACTIVE", "CreationDate": "2026-01-01T00:00:00.000+0000"}
CREATED = said({"AccessKey": KEY | {"SecretKey": "B" * 40}})
THROTTLED_S3 = s3_refused("SlowDown", 503)

PASSING = {
    "502": Reply(502, b"<html/>", {"Content-Type": "text/html"}),
    "503": refused("6", 503),
    "per account": refused("24", 429),
    "per call": refused("25", 429),
    "429": Reply(429, b'{"title": "Slow down"}', {"Content-Type": "application/problem+json"}),
    "dependency": refused("1000", 424, kind="DependencyProblem"),
    "cut": Reply(cut=True),
}
LASTING = {
    "signature": refused("1", 401),
    "access rule": refused("14", 401),
    "locked": refused("13", 401),
    "clock": refused("15", 401),
    "forbidden": refused("4", 401),
    "bad value": refused("4047", 400, kind="InvalidParameterValue"),
}


@pytest.mark.parametrize("reply", PASSING.values(), ids=PASSING)
def test_a_read_is_repeated(reply: Reply) -> None:
    with Origin(reply, reply, ACCOUNTS) as origin, oapi(region_at(origin.url)) as api:
        assert api.read_accounts()[0].account_id == "123456789012"
        assert len(origin.seen) == 3


@pytest.mark.parametrize("reply", PASSING.values(), ids=PASSING)
def test_a_read_is_given_up_after_three_tries(reply: Reply) -> None:
    with Origin(reply) as origin, oapi(region_at(origin.url)) as api:
        with pytest.raises(OutscaleError) as caught:
            api.read_accounts()
        assert caught.value.on_the_way
        assert_says_enough(caught.value)
        assert len(origin.seen) == 3


@pytest.mark.parametrize("reply", LASTING.values(), ids=LASTING)
def test_a_refused_read_is_sent_once(reply: Reply) -> None:
    with Origin(reply, ACCOUNTS) as origin, oapi(region_at(origin.url)) as api:
        with pytest.raises(OutscaleError) as caught:
            api.read_accounts()
        assert not caught.value.on_the_way
        assert len(origin.seen) == 1


@pytest.mark.parametrize("reply", [*PASSING.values(), *LASTING.values()], ids=[*PASSING, *LASTING])
@pytest.mark.parametrize(
    "write",
    [
        lambda api: api.create_access_key(),
        lambda api: api.update_access_key("A" * 20, state="INACTIVE", expiration=None),
        lambda api: api.delete_access_key("A" * 20),
        lambda api: api.check_authentication(EMAIL, SecretStr(ACCOUNT_PASSWORD)),
        lambda api: api.call("CreateUser", UserName="a"),
    ],
    ids=["create", "update", "delete", "check", "other"],
)
def test_a_write_is_sent_once(write, reply: Reply) -> None:
    with Origin(reply, CREATED) as origin, oapi(region_at(origin.url)) as api:
        with pytest.raises(OutscaleError) as caught:
            write(api)
        assert_says_enough(caught.value)
        assert len(origin.seen) == 1


def test_tries_are_apart_by_a_random_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "PAUSE", 0.1)
    taken = set()
    for _ in range(4):
        with Origin(PASSING["502"], PASSING["502"], ACCOUNTS) as origin, oapi(region_at(origin.url)) as api:
            begun = time.monotonic()
            api.read_accounts()
            taken.add(round(time.monotonic() - begun, 3))
    assert len(taken) > 1
    assert max(taken) > 0.03


def test_a_write_whose_answer_nobody_understands_counts_as_unanswered() -> None:
    with Origin(said({"AccessKey": KEY})) as origin, oapi(region_at(origin.url)) as api:
        with pytest.raises(OutscaleError) as caught:
            api.create_access_key()
        assert caught.value.trouble is Trouble.NOT_JSON
        assert caught.value.on_the_way
        assert len(origin.seen) == 1


def test_a_dry_run_is_repeated() -> None:
    with Origin(PASSING["502"], said({})) as origin, oapi(region_at(origin.url)) as api:
        assert api.may("CreateUser", UserName="a")
        assert [seen.params for seen in origin.seen] == [{"DryRun": True, "UserName": "a"}] * 2


def test_a_probe_is_repeated() -> None:
    with Origin(PASSING["502"], VERSION) as origin, Oapi(region_at(origin.url)) as api:
        api.probe()
        assert [seen.path for seen in origin.seen] == ["/api/v1"] * 2


@pytest.mark.parametrize("reply", [PASSING["502"], THROTTLED_S3, s3_refused("InternalError", 500), PASSING["cut"]])
def test_a_listing_is_repeated(reply: Reply) -> None:
    with Origin(reply, reply, NO_BUCKETS) as origin:
        assert oos(region_at(origin.url)).list_buckets() == []
        assert len(origin.seen) == 3


@pytest.mark.parametrize(
    "code", ["SignatureDoesNotMatch", "InvalidAccessKeyId", "AccessDenied", "RequestTimeTooSkewed", "NoSuchBucket"]
)
def test_a_refused_listing_is_sent_once(code: str) -> None:
    with Origin(s3_refused(code, 403), NO_BUCKETS) as origin:
        with pytest.raises(OutscaleError) as caught:
            oos(region_at(origin.url)).list_objects("bills")
        assert caught.value.code == code
        assert len(origin.seen) == 1


def test_a_file_that_is_cut_is_read_again() -> None:
    whole = Reply(200, b"0123456789", {"ETag": '"e"'})
    cut = Reply(200, b"0123", {"ETag": '"e"'}, cut=True)
    with Origin(cut, whole) as origin:
        assert oos(region_at(origin.url)).read("bills", "a.csv") == b"0123456789"
        assert len(origin.seen) == 2


def test_a_download_that_is_cut_says_so() -> None:
    cut = Reply(200, b"0123", {"ETag": '"e"'}, cut=True)
    with Origin(cut) as origin:
        opened = oos(region_at(origin.url)).open("bills", "a.csv")
        assert opened.size == 104
        with pytest.raises(OutscaleError) as caught:
            list(opened.pieces)
        assert caught.value.trouble is Trouble.CONNECTION
        assert_says_enough(caught.value)
        assert len(origin.seen) == 1


def test_a_download_that_stalls_says_so() -> None:
    with Origin(Reply(200, b"0123", {"ETag": '"e"', "Content-Length": "10"})) as origin:
        opened = oos(region_at(origin.url), read_timeout=0.2).open("bills", "a.csv")
        with pytest.raises(OutscaleError) as caught:
            list(opened.pieces)
        assert caught.value.trouble is Trouble.TIMEOUT
