"""Finance reaches what is of billing and nothing else."""

import inspect
from dataclasses import replace
from typing import Any

import pytest

from core.domain.actor import Actor
from core.domain.credentials import BucketDraft, CredentialsDraft, ProjectDraft
from core.domain.roles import Role
from core.sandbox.places import EMPTY_BUCKET, WEST
from core.services.attention import Kind
from core.services.billing import BucketChoice
from core.services.credentials import delete_credentials
from core.services.onboarding import CheckReport, add_credentials, check_draft
from core.services.rights import may
from core.services.use_case import NotAllowedError
from core.store.tables.credentials import Credentials, Project
from tests.services.conftest import billing, project_row
from tests.services.rights.calls import ARGUMENTS, FUNCTIONS, call, given, told
from tests.services.rights.world import Place, World, rows_of

HIDDEN_FROM_FINANCE = (
    "KEY0",
    "LOST",
    "OLD",
    "SEEN",
    "KEPT",
    "pair in",
    "Company",
    "'open'",
    "hidden-demo",
    "HIDDENMIXED",
)


@pytest.mark.parametrize("at", ["here", "real"])
@pytest.mark.parametrize("function", sorted(name for name in FUNCTIONS if may(Role.FINANCE, name)))
def test_finance_is_told_of_billing_alone(world: World, function: str, at: str) -> None:
    place: Place = getattr(world, at)
    said = told(call(world, Role.FINANCE, function, place))
    named = str(ARGUMENTS[function](world, place, Role.FINANCE))
    hidden = [*HIDDEN_FROM_FINANCE, world.here.access_key]
    assert [word for word in hidden if word in said and word not in named] == []


PROJECTS_BY_NAME = {
    "credentials.check_again": lambda name: given([name]),
    "credentials.delete_credentials": lambda name: given(name, name),
    "credentials.set_enabled": lambda name: given([name], False),
    "credentials.show_credentials": given,
    "onboarding.check_draft": lambda name: given(
        CredentialsDraft(name=name, billing_only=True, buckets=[BucketDraft(name="b", region=WEST)]), editing=True
    ),
    "onboarding.add_credentials": lambda name: given(
        CredentialsDraft(name=name, billing_only=True), CheckReport(name), editing=True
    ),
}


@pytest.mark.parametrize("name", ["open", "hidden-mixed"])
@pytest.mark.parametrize("function", sorted(PROJECTS_BY_NAME))
def test_finance_does_not_even_find_project_credentials(world: World, function: str, name: str) -> None:
    def ours(row: Any) -> bool:
        return isinstance(row, Project) or (isinstance(row, Credentials) and not row.billing_only)

    before = rows_of(world, ours)
    args, kwargs = PROJECTS_BY_NAME[function](name)
    finance = Actor(name="finance", role=Role.FINANCE)
    answer = FUNCTIONS[function](finance, world.workspace, *args, **kwargs)
    assert not answer or "There are no credentials" in told(answer)
    assert rows_of(world, ours) == before


def test_finance_adds_no_project_credentials(world: World) -> None:
    finance = Actor(name="finance", role=Role.FINANCE)
    draft = world.here.draft_of(billing_only=False)
    with pytest.raises(NotAllowedError, match="billing-only"):
        FUNCTIONS["onboarding.check_draft"](finance, world.workspace, draft)
    with pytest.raises(NotAllowedError, match="billing-only"):
        FUNCTIONS["onboarding.add_credentials"](finance, world.workspace, draft, CheckReport("new"))


def test_project_rows_in_a_billing_form_count_for_nothing(world: World, session_sandbox) -> None:
    finance = Actor(name="finance", role=Role.FINANCE)
    other = session_sandbox.account(2)
    buckets = [{"name": EMPTY_BUCKET, "region": WEST}]
    form = billing(session_sandbox.info, name="forged", buckets=buckets)
    draft = form.model_copy(update={"projects": [ProjectDraft.model_validate(project_row(other))]})
    report = check_draft(finance, world.workspace, draft)
    assert add_credentials(finance, world.workspace, draft, report).id
    assert other["account_id"] not in told(call(world, Role.ADMINISTRATOR, "accounts.list_accounts", world.here))
    assert delete_credentials(finance, world.workspace, "forged", "forged") is None


@pytest.mark.parametrize(
    "function",
    sorted(
        name
        for name, function in FUNCTIONS.items()
        if may(Role.FINANCE, name) and "choice" in inspect.signature(function).parameters
    ),
)
@pytest.mark.parametrize("forged", [False, True])
def test_finance_opens_no_bucket_of_a_project(world: World, function: str, forged: bool) -> None:
    """Neither by the project's key nor as if billing credentials named it."""
    choice = BucketChoice(world.here.billing, f"own-{WEST}", WEST) if forged else world.here.own_choice
    with pytest.raises(NotAllowedError, match="buckets of billing credentials"):
        call(world, Role.FINANCE, function, replace(world.here, choice=choice))


def test_finance_is_alerted_of_billing_alone(world: World) -> None:
    lines = call(world, Role.FINANCE, "attention.attention", world.here)
    assert {line.kind for line in lines} <= {Kind.CREDENTIALS, Kind.COST}
    assert [line.subject for line in lines if line.kind is Kind.CREDENTIALS] == ["hidden-bills"]
