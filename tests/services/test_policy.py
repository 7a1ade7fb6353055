"""The policy: shown, set within its bounds, with an event."""

import pytest
from sqlmodel import select

from core.services.policy import FIGURES, PolicyFigures, set_policy, show_policy
from core.services.workspace import Workspace
from core.store.tables.audit import Event
from tests.services.conftest import ACTOR

USUAL = PolicyFigures(expires_soon_days=30, old_days=365, unused_days=90, grace_days=7, remind_days=5)


def events(workspace: Workspace) -> list[dict]:
    with workspace.store.reading() as session:
        return [event.details for event in session.exec(select(Event).where(Event.action == "policy.set"))]


def test_the_usual_policy_until_another_is_set(workspace: Workspace) -> None:
    assert show_policy(ACTOR, workspace) == USUAL
    other = USUAL.model_copy(update={"old_days": 180, "grace_days": 0})
    assert set_policy(ACTOR, workspace, other) == []
    assert show_policy(ACTOR, workspace) == other
    assert events(workspace) == [{"old_days": "365 to 180", "grace_days": "7 to 0"}]


def test_nothing_is_recorded_when_nothing_changes(workspace: Workspace) -> None:
    assert set_policy(ACTOR, workspace, USUAL) == []
    assert events(workspace) == []


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.field)
def test_every_figure_has_bounds(workspace: Workspace, figure) -> None:
    for days in (figure.least, figure.most):
        assert set_policy(ACTOR, workspace, USUAL.model_copy(update={figure.field: days})) == []
    before = show_policy(ACTOR, workspace)
    for days in (figure.least - 1, figure.most + 1):
        (problem,) = set_policy(ACTOR, workspace, USUAL.model_copy(update={figure.field: days}))
        assert problem.field == figure.field
        assert str(days) in problem.what
        assert str(figure.most) in problem.mend
    assert show_policy(ACTOR, workspace) == before


def test_all_that_is_wrong_is_said_at_once(workspace: Workspace) -> None:
    draft = USUAL.model_copy(update={"old_days": 0, "remind_days": 91})
    assert [problem.field for problem in set_policy(ACTOR, workspace, draft)] == ["old_days", "remind_days"]
