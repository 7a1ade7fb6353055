"""People who signed in: who they are, and how their sessions end."""

from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict
from sqlmodel import col, func, select

from core.domain.actor import Actor
from core.domain.credentials import FieldProblem
from core.domain.roles import Role
from core.domain.sign_in import Why
from core.services.rights import use_case
from core.services.sign_in import end_sign_in
from core.services.use_case import Change, changing, looking
from core.services.workspace import Workspace
from core.store.columns import now
from core.store.tables.people import Person, SignIn


class PersonView(BaseModel):
    """Somebody who signed in at least once. `role`: of the last sign-in, none when no group gave one; `sessions`: how
    many browsers the person is signed in with now."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    email: str
    subject: str
    role: Role | None
    created: datetime
    seen: datetime
    blocked: datetime | None
    sessions: int


@use_case
def list_people(actor: Actor, workspace: Workspace) -> list[PersonView]:
    """Everybody who signed in, by name.

    Raises StoreError when the store cannot be read."""
    begun_after = now() - timedelta(hours=workspace.settings.session_hours)
    with looking(actor, workspace, "people.list") as session:
        is_open = (col(SignIn.ended).is_(None)) & (col(SignIn.begun) > begun_after)
        open_ones = dict(
            session.exec(select(SignIn.person_id, func.count()).where(is_open).group_by(SignIn.person_id)).all()
        )
        people = session.exec(select(Person).order_by(func.lower(Person.name), Person.id)).all()
    return [PersonView.model_validate(one.model_dump() | {"sessions": open_ones.get(one.id, 0)}) for one in people]


@use_case
def end_sessions(actor: Actor, workspace: Workspace, person_id: str) -> int:
    """End all sessions of somebody, in every browser; gives how many were open. The person may sign in again.

    Raises StoreError when the store refuses."""
    with changing(actor, workspace, "person.end_sessions") as change:
        person = change.session.get(Person, person_id)
        if person is None:
            return 0
        return _end_all(change, person, Why.ENDED)


@use_case
def end_own_sessions(actor: Actor, workspace: Workspace, sign_in_id: str) -> int:
    """End all sessions of the person of this sign-in: sign-out everywhere. Gives how many were open.

    Raises StoreError when the store refuses."""
    with changing(actor, workspace, "person.sign_out_everywhere") as change:
        row = change.session.get(SignIn, sign_in_id)
        if row is None:
            return 0
        person = change.session.get_one(Person, row.person_id)
        return _end_all(change, person, Why.ENDED)


@use_case
def sign_out(actor: Actor, workspace: Workspace, sign_in_id: str) -> None:
    """End one sign-in, so that its cookie counts no longer, wherever it was copied to.

    Raises StoreError when the store refuses."""
    with changing(actor, workspace, "person.sign_out") as change:
        row = change.session.get(SignIn, sign_in_id)
        if row is None or row.ended:
            return
        person = change.session.get_one(Person, row.person_id)
        end_sign_in(change.session, row, Why.SIGNED_OUT)
        change.record(person.name, person=person.subject)


@use_case
def block_person(actor: Actor, workspace: Workspace, person_id: str) -> list[FieldProblem]:
    """Let somebody in no more, and end their sessions. Gives what stands against it; then nothing is changed.

    Raises StoreError when the store refuses."""
    with changing(actor, workspace, "person.block") as change:
        person = change.session.get(Person, person_id)
        if person is None or person.blocked:
            return []
        others = select(Person).where(
            Person.id != person.id, Person.role == Role.ADMINISTRATOR, col(Person.blocked).is_(None)
        )
        if person.role == Role.ADMINISTRATOR and change.session.exec(others).first() is None:
            return [
                FieldProblem(
                    field="person",
                    what=f"{person.name} is the only administrator who signed in so far.",
                    mend="Let another administrator sign in first, then block this one.",
                )
            ]
        person.blocked = now()
        _end_all(change, person, Why.BLOCKED)
    return []


@use_case
def unblock_person(actor: Actor, workspace: Workspace, person_id: str) -> None:
    """Let somebody in again.

    Raises StoreError when the store refuses."""
    with changing(actor, workspace, "person.unblock") as change:
        person = change.session.get(Person, person_id)
        if person is None or person.blocked is None:
            return
        person.blocked = None
        change.session.add(person)
        change.record(person.name, person=person.subject)


def _end_all(change: Change, person: Person, why: Why) -> int:
    """End all sessions of somebody, and record that; how many were open."""
    rows = change.session.exec(select(SignIn).where(SignIn.person_id == person.id, col(SignIn.ended).is_(None))).all()
    for row in rows:
        end_sign_in(change.session, row, why)
    person.signed_out_before = now()
    change.session.add(person)
    change.record(person.name, person=person.subject, sessions=len(rows))
    return len(rows)
