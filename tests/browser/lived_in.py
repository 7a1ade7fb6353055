"""A home in which all screens have something to show: of good news and of bad."""

from datetime import timedelta
from typing import Any

from sqlmodel import select

from core.domain.accounts import AccountDraft
from core.domain.checks import State
from core.domain.costs import BudgetDraft
from core.services.accounts import add_account
from core.services.allowed_hosts import allow_host
from core.services.bill_pull import pull
from core.services.budgets import save_budget
from core.services.requests import mark_sent
from core.services.workspace import open_workspace
from core.settings import Settings
from core.store.columns import now
from core.store.tables.access_keys import KeyIntent, SeenKey
from core.store.tables.accounts import AccountRequest
from core.store.tables.credentials import Credentials
from tests.services.account_requests.forms import saved
from tests.services.conftest import ACTOR, billing, project_row, projects, stored


def live_in(settings: Settings, info: dict[str, Any]) -> None:
    """Fill an empty home, beside a running sandbox whose `sandbox.json` is given."""
    workspace = open_workspace(settings)
    west, east, other = info["accounts"][:3]
    stored(workspace, billing(info))
    stored(workspace, projects(project_row(west), project_row(east), name="harbour-both-regions"))
    stored(workspace, projects(project_row(other), name="failing"))
    account = AccountDraft(account_id="100000000001", region="eu-west-2", company="Harbour Works", owner="Ada")
    assert not add_account(ACTOR, workspace, account)
    assert not allow_host(ACTOR, workspace, "proxy.company.example:3128", "The way out of the office")
    for subject in ("A cloud account", "For measurements", "Of long ago"):
        # An email asks once for a Region.
        view = saved(workspace, subject=subject, email=f"{subject[-3:]}@company.example")
        if subject != "For measurements":
            assert not mark_sent(ACTOR, workspace, view.id).problems
    assert pull(ACTOR, workspace).read
    budget = BudgetDraft(scope="account", name=west["account_id"], currency="EUR", amount="100", threshold=90)
    assert not save_budget(ACTOR, workspace, budget)
    with workspace.store.writing() as session:
        session.exec(select(Credentials).where(Credentials.name == "failing")).one().state = State.ERROR
        for request in session.exec(select(AccountRequest).where(AccountRequest.subject == "Of long ago")):
            request.sent = now() - timedelta(days=60)
        place = {"region": west["region"], "account_id": west["account_id"]}
        session.add(KeyIntent(actor="anna", email=west["email"], begun=now() - timedelta(minutes=5), **place))
        for key, days in (("EXPIRING", 3), ("EXPIRED", -3)):
            session.add(SeenKey(access_key=key, state="ACTIVE", expires=now() + timedelta(days=days), **place))
    workspace.close()
