"""Requests for accounts as people fill them in."""

from typing import Any

from sqlmodel import select

from core.domain.requests import RequestDraft
from core.services.request_views import RequestView
from core.services.requests import Outcome, save_draft
from core.services.workspace import Workspace
from core.store.tables.audit import Event
from tests.services.conftest import ACTOR

FORM = {
    "region": "eu-west-2",
    "full_name": "Ada van Dijk",
    "job_title": "Head of cloud",
    "company": "Harbour Works",
    "email": "ada@company.example",
    "phone": "+33 1 23 45 67 89",
    "subject": "A cloud account",
    "description": "For measurements.",
    "terms_accepted": True,
}


def form(**changes: object) -> RequestDraft:
    return RequestDraft.model_validate(FORM | changes)


def copy_form(account: dict[str, Any], region: str) -> RequestDraft:
    return RequestDraft(
        kind="copy",
        region=region,
        from_account_id=account["account_id"],
        from_region=account["region"],
        full_name="Ada van Dijk",
        email="ada@company.example",
    )


def view(outcome: Outcome) -> RequestView:
    assert not outcome.problems, outcome.problems
    assert outcome.request
    return outcome.request


def saved(workspace: Workspace, **changes: object) -> RequestView:
    return view(save_draft(ACTOR, workspace, form(**changes)))


def events(workspace: Workspace, subject: str) -> list[str]:
    with workspace.store.reading() as session:
        return list(session.exec(select(Event.action).where(Event.subject == subject).order_by(Event.id)))
