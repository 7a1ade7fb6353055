"""A home whose audit trail has ten lines: the beginning, then nine changes of the policy; and edits by hand."""

import sqlite3
from contextlib import closing

from sqlmodel import select

from core.domain.actor import Actor
from core.domain.credentials import FieldProblem
from core.domain.roles import Role
from core.services.audit import verify_trail
from core.services.audit_check import TrailReport
from core.services.policy import set_policy, show_policy
from core.services.workspace import Workspace
from core.store.tables.audit import Event

ACTOR = Actor(name="Ada", via="screen", role=Role.ADMINISTRATOR, address="192.0.2.7")
LINES = 10


def set_days(workspace: Workspace, days: int) -> list[FieldProblem]:
    """A change like any other."""
    return set_policy(ACTOR, workspace, show_policy(ACTOR, workspace).model_copy(update={"old_days": days}))


def by_hand(workspace: Workspace, *statements: str) -> None:
    """Change the database as somebody would who has the file and no key."""
    with closing(sqlite3.connect(workspace.settings.database)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def look(workspace: Workspace) -> TrailReport:
    return verify_trail(ACTOR, workspace)


def found(report: TrailReport) -> list[tuple[int | None, str]]:
    return [(one.id, one.kind.value) for one in report.faults]


def rows(workspace: Workspace) -> list[Event]:
    with workspace.store.reading() as session:
        return list(session.exec(select(Event).order_by(Event.id)).all())


COPY = (
    "INSERT INTO event (id, at, actor, via, address, action, subject, outcome, details, number, previous, mac) SELECT "
    "{to}, at, actor, via, address, action, subject, outcome, details, number, previous, mac FROM event WHERE id = {of}"
)
FORGED = (
    "INSERT INTO event (id, at, actor, via, address, action, subject, outcome, details, number, previous, mac) SELECT "
    "{id}, at, 'Eve', via, address, action, subject, outcome, details, {id}, mac, '{mac}' FROM event WHERE id = {after}"
)
