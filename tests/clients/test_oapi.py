"""What the API's client sends, and what it makes of the answers."""

import base64
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import SecretStr

from core.outscale.errors import OutscaleError, Trouble
from core.outscale.oapi import Oapi
from tests.clients.conftest import (
    ACCESS_KEY,
    ACCOUNT_PASSWORD,
    EMAIL,
    SECRET_KEY,
    assert_says_enough,
    oapi,
    region_at,
)
from tests.clients.listeners import PAGE, VERSION, Origin, Reply, refused, said

KEY = {
    "AccessKeyId": "A" * 20,
    "State": "ACTIVE",
    "CreationDate": "2026-01-01T10:00:00.000+0000",
    "LastModificationDate": "2026-01-02T10:00:00.000+0000",
}
EXPIRING = KEY | {"ExpirationDate": "2027-01-01T00:00:00.000Z", "Tag": "billing"}


def by_password(origin: Origin) -> Oapi:
    return Oapi(region_at(origin.url), email=EMAIL, password=SecretStr(ACCOUNT_PASSWORD))


def test_accounts() -> None:
    account = {"AccountId": "123456789012", "Email": EMAIL, "VatNumber": "FR1", "AdditionalEmails": [], "New": 1}
    with Origin(said({"Accounts": [account]})) as origin, oapi(region_at(origin.url)) as api:
        (read,) = api.read_accounts()
        assert (read.account_id, read.email, read.vat_number, read.city) == ("123456789012", EMAIL, "FR1", None)
        assert (origin.seen[0].path, origin.seen[0].params) == ("/api/v1/ReadAccounts", {})


def test_keys_by_password() -> None:
    with Origin(said({"AccessKeys": [KEY, EXPIRING]})) as origin, by_password(origin) as api:
        never, expiring = api.read_access_keys(user_name="billing", ids=["A" * 20])
        assert never.expiration_date is None
        assert never.creation_date == datetime(2026, 1, 1, 10, tzinfo=UTC)
        assert expiring.expiration_date == datetime(2027, 1, 1, tzinfo=UTC)
        assert expiring.tag == "billing"
        (seen,) = origin.seen
        assert seen.params == {"UserName": "billing", "Filters": {"AccessKeyIds": ["A" * 20]}}
        expected = base64.b64encode(f"{EMAIL}:{ACCOUNT_PASSWORD}".encode()).decode()
        assert seen.headers["authorization"] == f"Basic {expected}"
        assert "x-osc-date" in seen.headers


def test_create_keeps_the_secret_covered() -> None:
    with Origin(said({"AccessKey": EXPIRING | {"SecretKey": SECRET_KEY}})) as origin, by_password(origin) as api:
        paris = timezone(timedelta(hours=1))
        key = api.create_access_key(expiration=datetime(2027, 1, 1, 1, tzinfo=paris), tag="billing")
        assert key.secret_key.get_secret_value() == SECRET_KEY
        assert SECRET_KEY not in repr(key) + str(key.model_dump())
        assert origin.seen[0].params == {"ExpirationDate": "2027-01-01T00:00:00.000Z", "Tag": "billing"}


@pytest.mark.parametrize(
    ("expiration", "sent"),
    [
        (datetime(2027, 1, 1, tzinfo=UTC), {"ExpirationDate": "2027-01-01T00:00:00.000Z"}),
        (None, {"ClearExpirationDate": True}),
    ],
)
def test_an_update_always_says_when_the_key_expires(expiration: datetime | None, sent: dict) -> None:
    with Origin(said({"AccessKey": KEY})) as origin, oapi(region_at(origin.url)) as api:
        api.update_access_key("A" * 20, state="INACTIVE", expiration=expiration)
        assert origin.seen[0].params == {"AccessKeyId": "A" * 20, "State": "INACTIVE"} | sent


def test_delete() -> None:
    with Origin(said({})) as origin, oapi(region_at(origin.url)) as api:
        api.delete_access_key("A" * 20, user_name="billing")
        (seen,) = origin.seen
        assert (seen.call, seen.params) == ("DeleteAccessKey", {"AccessKeyId": "A" * 20, "UserName": "billing"})


def test_a_password_is_checked_by_a_key() -> None:
    wrong = refused("4120", 400, kind="InvalidParameterValue", details=f"Bad password {ACCOUNT_PASSWORD}")
    with Origin(wrong) as origin, oapi(region_at(origin.url)) as api:
        with pytest.raises(OutscaleError) as caught:
            api.check_authentication(EMAIL, SecretStr(ACCOUNT_PASSWORD))
        assert caught.value.trouble is Trouble.AUTHENTICATION
        assert "email or the password is not right" in caught.value.what
        assert caught.value.details == "Bad password ***"
        assert_says_enough(caught.value)
        (seen,) = origin.seen
        assert seen.params == {"Login": EMAIL, "Password": ACCOUNT_PASSWORD}
        assert ACCESS_KEY in seen.headers["authorization"]


@pytest.mark.parametrize("code", ["1", "4120"])
def test_a_wrong_password_has_its_own_words(code: str) -> None:
    with Origin(refused(code, 401)) as origin, by_password(origin) as api:
        with pytest.raises(OutscaleError) as caught:
            api.read_access_keys()
        assert caught.value.trouble is Trouble.AUTHENTICATION
        assert "email or the password is not right" in caught.value.what
        assert caught.value.request_id == "a-request"
        assert len(origin.seen) == 1


@pytest.mark.parametrize("code", ["4", "5", "7"])
def test_what_a_key_may_not_do(code: str) -> None:
    with Origin(refused(code, 401)) as origin, oapi(region_at(origin.url)) as api:
        assert api.may("ReadVms") is False


@pytest.mark.parametrize(("code", "status"), [("1", 401), ("14", 401), ("4047", 400), ("12000", 400)])
def test_what_is_no_answer_about_rights_is_an_error(code: str, status: int) -> None:
    with (
        Origin(refused(code, status)) as origin,
        oapi(region_at(origin.url)) as api,
        pytest.raises(OutscaleError),
    ):
        api.may("ReadVms")


@pytest.mark.parametrize("ahead", [3600, -3600, 0])
def test_the_clock_is_compared(ahead: int) -> None:
    with Origin(VERSION) as origin, Oapi(region_at(origin.url)) as api:
        origin.ahead = ahead
        assert api.clock_skew is None
        api.probe()
        assert api.clock_skew is not None
        assert abs(api.clock_skew + timedelta(seconds=ahead)) < timedelta(seconds=5)


@pytest.mark.parametrize("reply", [refused("1", 401), said({"Version": "1"}), said({"__type": "x"}, 400)])
def test_any_word_of_the_api_says_that_it_is_reached(reply: Reply) -> None:
    with Origin(reply) as origin, Oapi(region_at(origin.url)) as api:
        api.probe()
        (seen,) = origin.seen
        assert "authorization" not in seen.headers


def test_the_probe_knows_two_addresses() -> None:
    with Origin(refused("12000", 404), VERSION) as origin, Oapi(region_at(origin.url)) as api:
        api.probe()
    with Origin(Reply(404, PAGE.body, PAGE.headers), said({"Versions": ["v1"]})) as origin:
        with Oapi(region_at(origin.url)) as api:
            api.probe()
        assert [seen.path for seen in origin.seen] == ["/api/v1", "/api"]


@pytest.mark.parametrize("reply", [PAGE, said({"hello": 1}), said([1]), Reply(200, b"\xff", {}), Reply(200, b"")])
def test_something_else_is_not_the_api(reply: Reply) -> None:
    with Origin(reply) as origin:
        with Oapi(region_at(origin.url)) as api, pytest.raises(OutscaleError) as caught:
            api.probe()
        assert caught.value.trouble is Trouble.NOT_JSON
        with oapi(region_at(origin.url)) as api, pytest.raises(OutscaleError) as caught:
            api.read_accounts()
        assert caught.value.trouble is Trouble.NOT_JSON
        assert_says_enough(caught.value)


def test_one_way_of_signing_at_a_time() -> None:
    region = region_at("http://127.0.0.1:9")
    with pytest.raises(ValueError, match="not both"):
        Oapi(region, access_key="A", secret_key=SecretStr("B"), email="c", password=SecretStr("d"))
    with pytest.raises(ValueError, match="its secret key"):
        Oapi(region, access_key="A")


def test_many_at_once() -> None:
    def read(number: int) -> str | None:
        with Oapi(region, access_key=f"{number:020}", secret_key=SecretStr(SECRET_KEY)) as api:
            return api.read_accounts()[0].account_id

    with Origin(said({"Accounts": [{"AccountId": "123456789012"}]})) as origin:
        region = region_at(origin.url)
        with ThreadPoolExecutor(16) as pool:
            assert set(pool.map(read, range(100))) == {"123456789012"}
        signed = {seen.headers["authorization"].split("Credential=")[1][:20] for seen in origin.seen}
        assert signed == {f"{number:020}" for number in range(100)}


def test_nothing_secret_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Origin(said({"AccessKey": KEY | {"SecretKey": "NEW" * 13}})) as origin:  # pragma: allowlist secret - made up
        with oapi(region_at(origin.url)) as api:
            api.check_authentication(EMAIL, SecretStr(ACCOUNT_PASSWORD))
            api.create_access_key()
        with by_password(origin) as api:
            api.create_access_key()
        assert len(origin.seen) == 3
    for secret in (SECRET_KEY, ACCOUNT_PASSWORD, "NEW" * 13):
        assert secret not in caplog.text
