"""The walkthrough: every step done for real on the sandbox, known from the store, started over without a trace."""

from sqlmodel import SQLModel, select

from core.domain.actor import Actor
from core.domain.roles import Role
from core.services.walkthrough import Tour, do_step, show_tour
from core.services.walkthrough_steps import Step
from core.services.workspace import Workspace

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


def test_the_whole_way(workspace: Workspace, sandbox) -> None:
    before = show_tour(PRESENTER, workspace)
    assert not before.begun and before.current is Step.REQUEST and before.done == 0
    tour = walked(workspace, Step.COSTS)
    assert tour.done == len(Step) and tour.problem is None
    print([(one.step, one.facts, len(one.requests), one.sent) for one in tour.steps])
    assert 0
