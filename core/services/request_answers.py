"""What was answered to a request for an account: by a person's word, or by the sandbox."""

from contextlib import suppress
from typing import Any

from sqlmodel import Session, select

from core.domain.actor import Actor
from core.domain.credentials import region_problem
from core.domain.requests import (
    granted_id_problem,
)
from core.sandbox.control import ControlError, account_answer
from core.services.registry import find, register
from core.services.request_views import RequestView, in_sight
from core.services.requests import NOTES_LENGTH, Outcome, done, in_state
from core.services.rights import use_case
from core.services.scope import regions_for, scope_of
from core.services.use_case import Change, changing, looking
from core.services.workspace import Workspace
from core.store.columns import now
from core.store.tables.accounts import AccountRequest

REASON_LENGTH = 500


@use_case
def grant(actor: Actor, workspace: Workspace, request_id: str, account_id: str, region: str) -> Outcome:
    """Record that a sent request was granted, and put its account into the register. `region` may be another one than
    was wanted.

    Raises StoreError when the store refuses."""
    account_id, region = account_id.strip(), region.strip()
    problems = [granted_id_problem(account_id), region_problem("region", region, regions_for(actor, workspace))]
    if found := [problem for problem in problems if problem]:
        return Outcome(problems=found)
    with changing(actor, workspace, "request.granted") as change:
        row, problem = in_state(change.session, scope_of(actor, workspace), request_id, "sent")
        if row is None or problem:
            return Outcome(problems=[problem] if problem else [])
        return _granted(change, row, account_id, region, _email_of(change.session, row))


@use_case
def refuse(actor: Actor, workspace: Workspace, request_id: str, reason: str = "") -> Outcome:
    """Record that a sent request was refused; the reason goes to its notes.

    Raises StoreError when the store refuses."""
    with changing(actor, workspace, "request.refused") as change:
        row, problem = in_state(change.session, scope_of(actor, workspace), request_id, "sent")
        if row is None or problem:
            return Outcome(problems=[problem] if problem else [])
        return _refused(change, row, reason.strip()[:REASON_LENGTH])


@use_case
def poll_answers(actor: Actor, workspace: Workspace) -> list[RequestView]:
    """Ask the sandbox about the requests that it has, and record what it answered. Gives those that were answered now;
    a sandbox that does not run changes nothing.

    Raises StoreError when the store refuses."""
    with looking(actor, workspace, "requests.poll") as session:
        rows = session.exec(
            select(AccountRequest).where(AccountRequest.state == "sent", AccountRequest.ticket != "")
        ).all()
        tickets = [(row.id, row.ticket) for row in rows if in_sight(scope_of(actor, workspace), row)]
    answered = []
    for request_id, ticket in tickets:
        answer: dict[str, Any] = {"state": "pending"}
        with suppress(ControlError):
            answer = account_answer(workspace.settings, ticket)
        if answer["state"] == "pending":
            continue
        granted = answer["state"] == "granted"
        with changing(actor, workspace, "request.granted" if granted else "request.refused") as change:
            row, problem = in_state(change.session, scope_of(actor, workspace), request_id, "sent")
            if row is None or problem:  # a person was faster
                continue
            if granted:
                done = _granted(change, row, answer["account_id"], answer["region"], answer["email"])
            else:
                done = _refused(change, row, answer["reason"])
        if done.request:
            answered.append(done.request)
    return answered


def _granted(change: Change, row: AccountRequest, account_id: str, region: str, email: str) -> Outcome:
    row.state, row.answered = "granted", now()
    wanted, row.region, row.granted_account_id = row.region, region, account_id
    register(change.session, account_id, region, "request", email=email, company=row.company, owner=row.owner)
    change.record(account_id, region=region, request=row.id)
    return done(change, row, account_id=account_id, region=region, wanted=wanted)


def _refused(change: Change, row: AccountRequest, reason: str) -> Outcome:
    row.state, row.answered = "refused", now()
    if reason:
        row.notes = f"{row.notes}\nRefused: {reason}".strip()[-NOTES_LENGTH:]
    return done(change, row, reason=reason)


def _email_of(session: Session, row: AccountRequest) -> str:
    """Which email signs in: a copy has that of its source, and the request's own belongs to who asked."""
    if row.kind == "new":
        return row.email
    source = find(session, row.from_account_id, row.from_region)
    return source.email if source else ""
