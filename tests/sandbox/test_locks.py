"""Four refused sign-ins lock; too many requests are refused."""

import re

import pytest
import requests

from core.sandbox import locks
from core.sandbox.locks import Locks, Rates
from tests.conftest import Sandbox
from tests.sandbox.conftest import ClientFor, Key


def test_four_wrong_signatures_lock_the_account(client: ClientFor, sandbox: Sandbox) -> None:
    good, other = client(2), client(0)
    assert good.key
    bad = client(Key(good.key.access_key_id, "A" * 40))
    assert [bad("ReadAccounts").code for _ in range(4)] == ["1"] * 4
    for one in (bad, good):
        reply = one("ReadAccounts")
        assert (reply.status, reply.code) == (401, "13")
        found = re.search(r"(\d+) seconds", reply.details)
        assert found
        assert 50 <= int(found[1]) <= 60
    assert other("ReadAccounts").status == 200
    sandbox.clear()
    assert good("ReadAccounts").status == 200


def test_a_success_forgets_the_failures(client: ClientFor) -> None:
    good = client(2)
    assert good.key
    bad = client(Key(good.key.access_key_id, "A" * 40))
    for one in (bad, bad, bad, good, bad, bad, bad):
        one("ReadAccounts")
    assert good("ReadAccounts").status == 200


def test_wrong_passwords_lock_too(client: ClientFor, sandbox: Sandbox) -> None:
    root, account = client(2), sandbox.account(2)
    assert root("CheckAuthentication", Login=account["email"], Password=account["password"]).status == 200
    other = client(0)
    for _ in range(4):
        reply = other("CheckAuthentication", Login=account["email"], Password="wrong")
        assert (reply.status, reply.code) == (400, "4120")
    reply = other("CheckAuthentication", Login=account["email"], Password=account["password"])
    assert (reply.status, reply.code) == (401, "13")


def test_an_unknown_key_locks_itself_only(client: ClientFor) -> None:
    stranger = client(Key("B" * 20, "A" * 40))
    assert [stranger("ReadAccounts").code for _ in range(5)] == ["1"] * 4 + ["13"]
    assert client(0)("ReadAccounts").status == 200


def test_too_many_requests_of_an_account_are_throttled(client: ClientFor) -> None:
    one, other = client(1), client(0)
    # A signature is good for five minutes, so that sending is all there is to do.
    headers = one.osc4().forge_headers_signed("/api/v1/ReadAccounts", "{}")
    with requests.Session() as session:
        for _ in range(20 * locks.BURST):
            answer = session.post(f"{one.url}/ReadAccounts", data="{}", headers=headers, timeout=5)
            if answer.status_code != 200:
                break
    assert (answer.status_code, answer.json()["Errors"][0]["Code"]) == (429, "24")
    assert other("ReadAccounts").status == 200


class _Clock:
    present = 0.0

    def monotonic(self) -> float:
        return self.present


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    clock = _Clock()
    monkeypatch.setattr(locks, "time", clock)
    return clock


def test_locks_grow_by_a_minute_up_to_ten(clock: _Clock) -> None:
    found, seconds = Locks(), []
    for _ in range(12):
        for _ in range(4):
            assert found.seconds_left("a") == 0
            found.failed("a")
        seconds.append(found.seconds_left("a"))
        clock.present += seconds[-1]
    assert seconds == [60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 600, 600]
    found.succeeded("a")
    assert found.seconds_left("a") == 0


def test_rates_are_by_account(clock: _Clock) -> None:
    rates = Rates()
    assert all(rates.take("a") for _ in range(locks.BURST))
    assert not rates.take("a")
    assert rates.take("b")
    clock.present += 1
    assert sum(rates.take("a") for _ in range(1000)) == locks.REQUESTS_A_SECOND
