"""The walkthrough: every step done for real on the sandbox, known from the store, started over without a trace."""

import re
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import SQLModel, select

from core.domain.actor import Actor
from core.domain.checks import Outcome
from core.domain.roles import Role
from core.sandbox.places import EAST, WEST
from core.services.audit import verify_trail
from core.services.credentials import list_credentials
from core.services.use_case import NotAllowedError
from core.services.walkthrough import AFTER, Tour, do_step, show_tour, start_over
from core.services.walkthrough_steps import Step
from core.services.workspace import Workspace, open_workspace
from core.settings import Settings
from core.store.tables.access_keys import KeptKey, KeyIntent, SeenKey
from core.store.tables.accounts import Account, AccountRequest
from core.store.tables.audit import Event
from core.store.tables.credentials import Credentials
from core.store.tables.walkthrough import Walkthrough
from tests.services.conftest import project_row, projects, stored

PRESENTER = Actor(name="paula", via="test", role=Role.PRESENTER)


def walked(workspace: Workspace, until: Step, actor: Actor = PRESENTER) -> Tour:
    """The tour after every step up to this one."""
    for step in Step:
        for _ in range(2 if step is Step.MISTAKE else 1):
            answer = do_step(actor, workspace, step)
            assert answer.problem is None, (step, answer)
        if step is until:
            break
    return show_tour(actor, workspace)


def everything(workspace: Workspace, *tables: type[SQLModel]) -> dict[str, list[str]]:
    with workspace.store.reading() as session:
        return {table.__name__: sorted(row.id for row in session.exec(select(table)).all()) for table in tables}  # type: ignore[attr-defined]


def test_the_whole_way_is_told_without_a_secret(workspace: Workspace, sandbox) -> None:
    before = show_tour(PRESENTER, workspace)
    assert not before.begun and before.current is Step.REQUEST and before.done == 0
    tour = walked(workspace, Step.COSTS)
    assert tour.done == len(Step) and tour.problem is None
    account = tour.view(Step.GRANT).facts["Account ID"]
    assert account in [one["account_id"] for one in sandbox.info["accounts"]]
    assert tour.view(Step.CREDENTIALS).facts["State"] == tour.view(Step.BILLING).facts["State"] == "Success"
    names = {view.name for view in list_credentials(PRESENTER, workspace)}
    assert names == {tour.choice.credentials, tour.choice.credentials.removesuffix("-bills")}
    failed = [line for line in tour.view(Step.MISTAKE).checks if line.outcome is Outcome.FAILED]
    assert any(WEST in line.found + line.mend for line in failed), "the check says where the key is at home"
    assert tour.accounts and tour.bills
    for step in (Step.CONFIRM, Step.KEY, Step.CREDENTIALS, Step.MISTAKE, Step.BILLING, Step.BUCKET, Step.COSTS):
        assert tour.view(step).requests, step
    calls = [one.call for one in tour.view(Step.KEY).requests]
    assert "CreateAccessKey" in calls
    _told_without_secrets(tour, sandbox.info)


def _told_without_secrets(tour: Tour, info: dict[str, Any]) -> None:
    account = next(one for one in info["accounts"] if one["account_id"] == tour.view(Step.GRANT).facts["Account ID"])
    secrets = [account["password"], *(key["secret_key"] for key in account["access_keys"])]
    secrets += [one["secret_key"] for one in info["billing"]]
    told = "".join(one.model_dump_json() for view in tour.steps for one in view.requests)
    assert not [one for one in secrets if one in told]
    signed = [one for view in tour.steps for one in view.requests if "Authorization" in one.headers]
    assert signed and all("Signature=••••" in one.headers["Authorization"] for one in signed if "OSC4" in one.body)
    assert not any(re.search(r"Signature=\w", one.headers["Authorization"]) for one in signed)


def test_a_step_waits_for_the_one_before(workspace: Workspace) -> None:
    for step, before in AFTER.items():
        assert show_tour(PRESENTER, workspace).view(step).blocked_by is before
    answer = do_step(PRESENTER, workspace, Step.KEY)
    assert answer.problem and "comes first" in answer.problem.what
    assert not show_tour(PRESENTER, workspace).begun


def test_the_mistake_stores_nothing_wrong_and_is_mended(workspace: Workspace) -> None:
    walked(workspace, Step.CREDENTIALS)
    do_step(PRESENTER, workspace, Step.MISTAKE)
    tour = show_tour(PRESENTER, workspace)
    assert tour.mistaken and not tour.view(Step.MISTAKE).done
    (stored_now,) = list_credentials(PRESENTER, workspace)
    assert stored_now.regions == [WEST] and EAST not in stored_now.regions
    assert do_step(PRESENTER, workspace, Step.MISTAKE).problem is None
    tour = show_tour(PRESENTER, workspace)
    assert not tour.mistaken and tour.view(Step.MISTAKE).done


def test_each_person_has_a_tour_of_their_own(workspace: Workspace) -> None:
    walked(workspace, Step.REQUEST)
    other = Actor(name="pia", via="test", role=Role.PRESENTER)
    assert not show_tour(other, workspace).begun
    walked(workspace, Step.REQUEST, other)
    assert start_over(other, workspace) is None
    assert show_tour(PRESENTER, workspace).view(Step.REQUEST).done


def test_starting_over_leaves_nothing_of_it_and_all_of_others(workspace: Workspace, sandbox) -> None:
    stored(workspace, projects(project_row(sandbox.account(0))))
    tables = (Account, AccountRequest, Credentials, KeptKey, SeenKey, Walkthrough)
    before = everything(workspace, *tables)
    account = walked(workspace, Step.COSTS).view(Step.GRANT).facts["Account ID"]
    assert everything(workspace, *tables) != before
    assert start_over(PRESENTER, workspace) is None
    assert everything(workspace, *tables) == before
    assert account not in [one["account_id"] for one in sandbox.info["accounts"]]
    with workspace.store.reading() as session:
        assert not session.exec(select(KeyIntent).where(KeyIntent.secret_key_sealed.is_not(None))).all()  # type: ignore[union-attr]
        assert session.exec(select(Event).where(Event.action == "walkthrough.start_over")).one()
    assert verify_trail(Actor(name="anna", role=Role.ADMINISTRATOR), workspace).whole
    assert walked(workspace, Step.KEY).done == 4, "it can be walked again"


def test_what_others_use_is_not_taken_from_them(workspace: Workspace, sandbox) -> None:
    account_id = walked(workspace, Step.CREDENTIALS).view(Step.GRANT).facts["Account ID"]
    account = next(one for one in sandbox.info["accounts"] if one["account_id"] == account_id)
    stored(workspace, projects(project_row(account), name="of-others"))
    problem = start_over(PRESENTER, workspace)
    assert problem and "of-others" in problem.what
    assert len(list_credentials(PRESENTER, workspace)) == 2 and show_tour(PRESENTER, workspace).done == 5


def test_a_step_that_is_done_is_left_as_it_is(workspace: Workspace) -> None:
    walked(workspace, Step.REQUEST)
    before = everything(workspace, AccountRequest, Event)
    assert do_step(PRESENTER, workspace, Step.REQUEST).problem is None
    assert everything(workspace, AccountRequest, Event) == before


def test_a_step_that_the_role_may_not_do_is_refused(workspace: Workspace) -> None:
    operator = Actor(name="otto", via="test", role=Role.OPERATOR)
    assert "Those who may" in show_tour(operator, workspace).view(Step.COSTS).refused
    with pytest.raises(NotAllowedError):
        do_step(operator, workspace, Step.COSTS)
    assert not show_tour(operator, workspace).begun


def test_without_the_sandbox_it_goes_nowhere(tmp_path: Path) -> None:
    alone = open_workspace(Settings(home=tmp_path / "alone"))
    problem = show_tour(PRESENTER, alone).problem
    assert problem and "sandbox does not run" in problem.what
    assert do_step(PRESENTER, alone, Step.REQUEST).problem == problem
    alone.close()


def test_who_may_not_onboard_is_refused(workspace: Workspace) -> None:
    with pytest.raises(NotAllowedError):
        show_tour(Actor(name="fiona", role=Role.FINANCE), workspace)
