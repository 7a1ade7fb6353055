"""Presenters reach the sandbox and nothing else."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.domain.actor import Actor
from core.domain.roles import Role
from core.sandbox.places import WEST
from core.services.rights import may
from core.services.scope import regions_for
from core.services.use_case import NotAllowedError
from tests.services.rights.calls import ARGUMENTS, FUNCTIONS, call, told
from tests.services.rights.world import REAL, World, real, rows_of

HIDDEN_FROM_PRESENTERS = (REAL, "999988887777", "HIDDEN", "hidden-")


@pytest.mark.parametrize("function", sorted(name for name in FUNCTIONS if may(Role.PRESENTER, name)))
def test_presenters_reach_nothing_but_the_sandbox(world: World, function: str) -> None:
    before = rows_of(world, real)
    assert len(before) > 15
    args, kwargs = ARGUMENTS[function](world, world.real, Role.PRESENTER)
    try:
        said = told(call(world, Role.PRESENTER, function, world.real))
    except NotAllowedError as refused:
        assert "sandbox" in str(refused)
    else:
        named = f"{args} {kwargs}"  # what was typed may be said again
        assert [word for word in HIDDEN_FROM_PRESENTERS if word in said and word not in named] == []
        assert f"Company in {REAL}" not in said
    assert rows_of(world, real) == before
    assert call(world, Role.ADMINISTRATOR, "accounts.show_account", world.real), "it is there all the same"


@pytest.mark.parametrize(
    "function",
    [
        "accounts.add_account", "account_data.read_from_key", "doors.open_with_password", "doors.open_with_key",
        "requests.save_draft", "request_answers.grant", "onboarding.check_draft", "onboarding.add_credentials",
        "billing.list_objects", "downloads.fetch", "bill_pull.pull", "reconcile.reconcile", "access_keys.create_key",
    ],
)  # fmt: skip
def test_presenters_choose_no_other_region(world: World, function: str) -> None:
    with pytest.raises(NotAllowedError, match=f"{REAL} is none of them"):
        call(world, Role.PRESENTER, function, world.real)


def test_presenters_are_offered_the_sandbox_alone(world: World) -> None:
    def offered(role: Role) -> set[bool]:
        return {one.sandbox for one in regions_for(Actor(name="x", role=role), world.workspace).values()}

    assert offered(Role.PRESENTER) == {True}
    assert offered(Role.OPERATOR) == offered(Role.FINANCE) == {True, False}


def test_without_the_sandbox_presenters_see_nothing(world: World, tmp_path: Path) -> None:
    home = tmp_path / "home"
    with_nothing = replace(world.workspace, settings=world.workspace.settings.model_copy(update={"home": home}))
    presenter = Actor(name="x", role=Role.PRESENTER)
    assert list(regions_for(presenter, with_nothing)) == []
    assert FUNCTIONS["credentials.list_credentials"](presenter, with_nothing) == []
    assert FUNCTIONS["attention.attention"](presenter, with_nothing) == []


def test_presenters_see_what_is_the_sandboxs(world: World) -> None:
    def names(function: str) -> str:
        return told(call(world, Role.PRESENTER, function, world.here))

    assert world.here.account in names("accounts.list_accounts")
    assert "name='open'" in names("credentials.list_credentials") and "'bills'" in names("credentials.list_credentials")
    assert f"Company in {WEST}" in names("request_views.list_requests")
    assert f"LOST{WEST}" in names("key_intents.open_intents")
    assert f"OLD{WEST}" in names("rotation.list_rotations")
    assert f"SEEN{WEST}" in names("attention.attention")
    assert f"bill of {WEST}.csv" in names("bill_files.bill_objects")
