"""The policy: what an administrator decided about keys and requests."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session

from core.domain.actor import Actor
from core.domain.credentials import FieldProblem
from core.services.rights import use_case
from core.services.use_case import changing, looking
from core.services.workspace import Workspace
from core.store.tables.policy import Policy


@dataclass(frozen=True)
class Figure:
    """One figure of the policy, in days: its field, what it is called, what it does, and its bounds."""

    field: str
    title: str
    meaning: str
    least: int
    most: int


FIGURES = (
    Figure("expires_soon_days", "Expires soon", "A key that expires within so many days needs attention.", 1, 3650),
    Figure("old_days", "Old", "A key that is older needs attention: rotate it.", 1, 3650),
    Figure("unused_days", "Unused", "A key that nobody used for so many days needs attention.", 1, 3650),
    Figure("grace_days", "Grace", "A rotation deletes the old key so many days after its deactivation.", 0, 90),
    Figure("remind_days", "Remind", "A request that has no answer after so many days needs attention.", 1, 90),
)


class PolicyFigures(BaseModel):
    """The figures of the policy, in days; see `FIGURES`."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    expires_soon_days: int
    old_days: int
    unused_days: int
    grace_days: int
    remind_days: int


def policy_of(session: Session) -> Policy:
    """The policy in force; the usual one while nobody has set another."""
    return session.get(Policy, 1) or Policy()


@use_case
def show_policy(actor: Actor, workspace: Workspace) -> PolicyFigures:
    """The policy in force.

    Raises StoreError when the store cannot be read."""
    with looking(actor, workspace, "policy.show") as session:
        return PolicyFigures.model_validate(policy_of(session))


@use_case
def set_policy(actor: Actor, workspace: Workspace, draft: PolicyFigures) -> list[FieldProblem]:
    """Put another policy in force, from the next look on. Gives what is wrong with it; then nothing is changed.

    Raises StoreError when the store refuses."""
    problems = [
        FieldProblem(
            field=figure.field,
            what=f"{figure.title}: {getattr(draft, figure.field)} days are not possible.",
            mend=f"Choose {figure.least} to {figure.most} days.",
        )
        for figure in FIGURES
        if not figure.least <= getattr(draft, figure.field) <= figure.most
    ]
    if problems:
        return problems
    with changing(actor, workspace, "policy.set") as change:
        policy = policy_of(change.session)
        before = PolicyFigures.model_validate(policy).model_dump()
        changed = {name: value for name, value in draft.model_dump().items() if value != before[name]}
        if changed:
            for name, value in changed.items():
                setattr(policy, name, value)
            change.session.add(policy)
            told: dict[str, Any] = {name: f"{before[name]} to {value}" for name, value in changed.items()}
            change.record("policy", **told)
    return []
