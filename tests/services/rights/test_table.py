"""Every service function is in the table of rights, and held to it for every role."""

import pytest
from sqlmodel import select

from core.domain.actor import Actor
from core.domain.roles import Role
from core.services import rights
from core.services.rights import RIGHTS, may, right_of
from core.services.use_case import NotAllowedError
from core.services.workspace import Workspace
from core.store.tables.audit import Event
from tests.services.rights.calls import ARGUMENTS, FUNCTIONS, call
from tests.services.rights.world import World


def refusals(world: World, role: Role, function: str) -> int:
    with world.workspace.store.reading() as session:
        rows = session.exec(select(Event).where(Event.action == f"refused.{function}", Event.actor == f"{role}")).all()
    assert all(row.details["role"] == role and row.details["why"] for row in rows)
    return len(rows)


def test_every_service_function_is_in_the_table_and_nothing_else_is() -> None:
    named = [function for right in RIGHTS for function in right.functions]
    assert sorted(named) == sorted(FUNCTIONS), "say in core/services/rights.py who may use it"
    assert len(named) == len(set(named))


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_every_service_function_is_held_to_it(function: str) -> None:
    held = FUNCTIONS[function]
    assert held.__code__ is not held.__wrapped__.__code__, "decorate it with use_case"  # type: ignore[attr-defined]
    assert held.__qualname__ == function.rpartition(".")[2]


def test_one_that_nobody_decided_on_does_not_even_load() -> None:
    def unheard(actor: Actor, workspace: Workspace) -> None: ...

    unheard.__module__ = "core.services.accounts"
    with pytest.raises(LookupError, match="say who may use it"):
        rights.use_case(unheard)


def test_administrators_may_everything_and_nobody_else_sets_the_policy() -> None:
    assert all(Role.ADMINISTRATOR in right.roles for right in RIGHTS)
    assert [role for role in Role if may(role, "policy.set_policy")] == [Role.ADMINISTRATOR]


def test_presenters_may_what_operators_and_finance_may() -> None:
    for right in RIGHTS:
        assert (Role.PRESENTER in right.roles) is bool(right.roles & {Role.OPERATOR, Role.FINANCE})


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
@pytest.mark.parametrize("role", list(Role))
def test_the_table_is_what_happens(world: World, role: Role, function: str) -> None:
    assert function in ARGUMENTS, f"say in {__name__} what {function} is called with"
    before = refusals(world, role, function)
    if role in right_of(function).roles:
        call(world, role, function, world.here)
        assert refusals(world, role, function) == before
        return
    with pytest.raises(NotAllowedError) as refused:
        call(world, role, function, world.here)
    assert role.value in str(refused.value) and "administrator" in str(refused.value)
    assert refusals(world, role, function) == before + 1
