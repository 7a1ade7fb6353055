"""A workspace of its own for each test, in front of the session's sandbox."""

from collections.abc import Iterator

import pytest

from core.domain.actor import Actor
from core.domain.checks import CheckResult
from core.domain.credentials import CredentialsDraft
from core.domain.roles import Role
from core.services.kept_keys import kept_keys
from core.services.onboarding import CheckReport, add_credentials, check_draft
from core.services.workspace import Workspace, open_workspace
from core.settings import Settings

ACTOR = Actor(name="tester", via="test", role=Role.ADMINISTRATOR)


@pytest.fixture
def workspace(settings: Settings) -> Iterator[Workspace]:
    opened = open_workspace(settings)
    yield opened
    opened.close()


@pytest.fixture
def actor() -> Actor:
    return ACTOR


def project_row(account: dict, **changes: str) -> dict:
    """A good project row of a sandbox account, with some fields changed."""
    key = account["access_keys"][0]
    row = {
        "access_key": key["access_key_id"],
        "secret_key": key["secret_key"],
        "account_id": account["account_id"],
        "region": account["region"],
    }
    return row | changes


def special_row(info: dict, kind: str, **changes: str) -> dict:
    """A project row of one of the sandbox's special keys."""
    key = info["special"][kind]
    row = {
        "access_key": key["access_key_id"],
        "secret_key": key["secret_key"],
        "account_id": key["account_id"],
        "region": key["region"],
    }
    return row | changes


def projects(*rows: dict, name: str = "demo", proxy: str | None = None) -> CredentialsDraft:
    return CredentialsDraft.model_validate({"name": name, "projects": list(rows), "proxy": proxy})


def billing(info: dict, *, name: str = "bills", buckets: list[dict] | None = None, **changes: str) -> CredentialsDraft:
    key = info["billing"][0]
    return CredentialsDraft.model_validate(
        {
            "name": name,
            "billing_only": True,
            "billing_access_key": key["access_key_id"],
            "billing_secret_key": key["secret_key"],
            "buckets": key["buckets"] if buckets is None else buckets,
        }
        | changes
    )


def checked(workspace: Workspace, draft: CredentialsDraft, **options: bool) -> CheckReport:
    return check_draft(ACTOR, workspace, draft, **options)


def line(report: CheckReport, check: str, target: str = "") -> CheckResult:
    """The one line about a check whose target begins as given."""
    lines = [one for one in report.results if one.check == check and one.target.startswith(target)]
    assert len(lines) == 1, lines
    return lines[0]


def stored(workspace: Workspace, draft: CredentialsDraft) -> str:
    """Check and add; the id."""
    report = checked(workspace, draft)
    result = add_credentials(ACTOR, workspace, draft, report)
    assert result.id, (report.problems, report.failures, result.problems)
    return result.id


def kept_here(workspace: Workspace, region: str) -> set[str]:
    """The access keys of a Region whose secret is kept sealed here."""
    with workspace.store.reading() as session:
        return kept_keys(session, region)
