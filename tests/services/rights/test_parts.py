"""What a use case calls is a part of it; anything else is asked for its right."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import core.services
from core.domain.actor import Actor
from core.domain.roles import Role
from core.sandbox.places import WEST
from core.services.rights import may
from core.services.use_case import NotAllowedError
from tests.services.rights.calls import FUNCTIONS, call
from tests.services.rights.world import World


def test_what_a_use_case_calls_is_a_part_of_it(world: World) -> None:
    """An auditor may see what needs attention, though not the parts alone; and not after it either."""
    operator = Actor(name="operator", role=Role.OPERATOR)
    assert not may(Role.OPERATOR, "signing.by_stored_key")
    assert FUNCTIONS["account_data.refresh"](operator, world.workspace, world.here.account, WEST) is None
    with pytest.raises(NotAllowedError):
        call(world, Role.OPERATOR, "signing.by_stored_key", world.here)


def test_a_part_in_a_thread_of_its_own_is_still_a_part(world: World) -> None:
    assert not may(Role.OPERATOR, "billing.open_storage")
    found = call(world, Role.OPERATOR, "billing.project_buckets", world.here)
    assert [one.credentials for one in found.choices] and found.choices[0].credentials == "open"


def test_a_thread_that_a_use_case_did_not_start_is_asked(world: World) -> None:
    with ThreadPoolExecutor(1) as pool, pytest.raises(NotAllowedError):
        pool.submit(call, world, Role.AUDITOR, "policy.set_policy", world.here).result()


def test_after_an_error_rights_are_asked_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(core.services.policy, "looking", broken)
    with pytest.raises(RuntimeError):
        call(world, Role.AUDITOR, "policy.show_policy", world.here)
    with pytest.raises(NotAllowedError):
        call(world, Role.AUDITOR, "policy.set_policy", world.here)


def test_a_refusal_that_cannot_be_recorded_is_still_none_allowed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.store.store import StoreError

    def full() -> None:
        raise StoreError("The disk is full.")

    monkeypatch.setattr(world.workspace.store, "writing", full)
    with pytest.raises(StoreError):
        call(world, Role.AUDITOR, "credentials.delete_credentials", world.here)
