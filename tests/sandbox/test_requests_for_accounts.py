"""Requests for accounts at the sandbox: taken, answered after a while, and kept over a restart."""

import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from core.sandbox import control
from core.sandbox.control import ControlError
from core.sandbox.info import read_info
from core.settings import Settings
from tests.conftest import Sandbox, start_sandbox
from tests.sandbox.conftest import EAST, WEST, ClientFor, Key


def asked(**changes: Any) -> dict[str, Any]:
    fields = {
        "region": WEST,
        "email": f"{uuid.uuid4().hex}@new.example",
        "company": "New Works",
        "full_name": "Ada van Dijk",
        "phone": "+33 1 23 45 67 89",
        "kind": "new",
        "after": 0.1,
    }
    return fields | changes


def answered(settings: Settings, ticket: str, seconds: float = 10) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while (answer := control.account_answer(settings, ticket))["state"] == "pending":
        assert time.monotonic() < deadline, "no answer"
        time.sleep(0.05)
    return answer


def test_a_request_becomes_an_account(sandbox: Sandbox, client: ClientFor) -> None:
    form = asked()
    first = control.ask_account(sandbox.settings, form)
    assert first["state"] == "pending"
    answer = answered(sandbox.settings, first["ticket"])
    assert answer["state"] == "granted"
    assert (answer["email"], answer["region"]) == (form["email"], WEST)
    account = next(one for one in sandbox.info["accounts"] if one["account_id"] == answer["account_id"])
    assert len(account["account_id"]) == 12
    assert len(account["password"]) >= 17
    (key,) = account["access_keys"]
    caller = client(Key(key["access_key_id"], key["secret_key"]))
    (read,) = caller.ok("ReadAccounts")["Accounts"]
    assert (read["AccountId"], read["CompanyName"], read["LastName"]) == (
        answer["account_id"],
        "New Works",
        "van Dijk",
    )


def test_a_copy_has_the_personal_information_only(sandbox: Sandbox, client: ClientFor) -> None:
    # One of its own: the sandbox grants a second copy in a Region to nobody.
    first = answered(sandbox.settings, control.ask_account(sandbox.settings, asked())["ticket"])
    source = next(one for one in sandbox.info["accounts"] if one["account_id"] == first["account_id"])
    form = asked(kind="copy", region=EAST, from_account_id=source["account_id"], company="")
    answer = answered(sandbox.settings, control.ask_account(sandbox.settings, form)["ticket"])
    assert answer["state"] == "granted"
    assert answer["email"] == source["email"]
    copy = next(one for one in sandbox.info["accounts"] if one["account_id"] == answer["account_id"])
    assert copy["account_id"] != source["account_id"]
    assert copy["password"] != source["password"]
    caller = client(copy["access_keys"][0], EAST)
    assert caller.ok("ReadAccounts")["Accounts"][0]["CompanyName"] == "New Works"
    assert caller.ok("ReadUsers")["Users"] == []


@pytest.mark.parametrize("kind", ["new", "copy"])
def test_what_cannot_be_granted_is_refused_with_the_reason(sandbox: Sandbox, kind: str) -> None:
    taken = sandbox.account(0)["email"]
    form = asked(email=taken) if kind == "new" else asked(kind="copy", from_account_id="1" * 12)
    answer = answered(sandbox.settings, control.ask_account(sandbox.settings, form)["ticket"])
    assert answer["state"] == "refused"
    assert ("has an account in" if kind == "new" else "no account") in answer["reason"]


def test_the_same_request_is_taken_once(sandbox: Sandbox) -> None:
    form = asked(after=30)
    first = control.ask_account(sandbox.settings, form)
    assert control.ask_account(sandbox.settings, form) == first


def test_bad_forms_say_what_is_wrong(sandbox: Sandbox) -> None:
    with pytest.raises(ControlError, match="no such Region"):
        control.ask_account(sandbox.settings, asked(region="eu-west-2"))
    with pytest.raises(ControlError, match="surprise"):
        control.ask_account(sandbox.settings, asked(surprise=1))
    assert "forgotten" in control.account_answer(sandbox.settings, "unknown")["reason"]


def test_accounts_and_tickets_survive_a_restart(own_home: Path) -> None:
    one = start_sandbox(own_home)
    try:
        done = control.ask_account(one.settings, asked(after=0))["ticket"]
        granted = answered(one.settings, done)
        account = next(two for two in one.info["accounts"] if two["account_id"] == granted["account_id"])
        waiting = control.ask_account(one.settings, asked(after=1))["ticket"]
    finally:
        one.stop()
    assert read_info(one.settings) is None
    with pytest.raises(ControlError, match="does not run"):
        control.account_answer(one.settings, waiting)
    two = start_sandbox(own_home, one.settings.sandbox_port)
    try:
        assert control.account_answer(two.settings, done) == granted
        assert account in two.info["accounts"]
        assert answered(two.settings, waiting)["state"] == "granted"
        control.reset(two.settings)
        assert control.account_answer(two.settings, done)["state"] == "refused"
        assert account not in two.info["accounts"]
    finally:
        two.stop()
