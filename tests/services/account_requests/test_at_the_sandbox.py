"""Requests that the sandbox answers."""

import time

from core.services.accounts import show_account
from core.services.doors import known_accounts
from core.services.request_answers import poll_answers
from core.services.request_views import RequestView, copy_sources
from core.services.requests import remind, save_draft, send
from core.services.workspace import Workspace
from core.settings import Settings
from tests.services.account_requests.forms import copy_form, saved, view
from tests.services.conftest import ACTOR


def polled(workspace: Workspace, seconds: float = 15) -> list[RequestView]:
    deadline = time.monotonic() + seconds
    while not (answers := poll_answers(ACTOR, workspace)):
        assert time.monotonic() < deadline, "the sandbox did not answer"
        time.sleep(0.1)
    return answers


def test_the_sandbox_grants_and_the_sign_in_is_found(sandbox, settings: Settings, workspace: Workspace) -> None:
    email = f"ada.{time.time_ns()}@company.example"
    request = view(send(ACTOR, workspace, saved(workspace, email=email, region="sandbox-west-1").id))
    assert (request.state, request.sent_by, request.polled) == ("sent", "sandbox", True)
    assert "by itself" in remind(ACTOR, workspace, request.id).problems[0].what
    (granted,) = polled(workspace)
    assert (granted.id, granted.state, granted.region) == (request.id, "granted", "sandbox-west-1")
    assert poll_answers(ACTOR, workspace) == []
    account = show_account(ACTOR, workspace, granted.granted_account_id, "sandbox-west-1")
    assert account and (account.email, account.source) == (email, "request")
    assert email in [known.email for known in known_accounts(ACTOR, workspace)]
    (demo,) = [one for one in sandbox.info["accounts"] if one["email"] == email]
    for path in settings.home.iterdir():
        if path.is_file() and path.name != "sandbox.json":
            assert demo["password"].encode() not in path.read_bytes(), path


def test_the_sandbox_refuses_with_a_reason(sandbox, workspace: Workspace) -> None:
    taken = sandbox.account(0)
    request = view(send(ACTOR, workspace, saved(workspace, email=taken["email"], region=taken["region"]).id))
    (refused,) = polled(workspace)
    assert (refused.id, refused.state) == (request.id, "refused")
    assert taken["account_id"] in refused.notes


def test_the_sandbox_copies_an_account(sandbox, workspace: Workspace) -> None:
    source = sandbox.account(3)
    assert source["account_id"] in [one.account_id for one in copy_sources(ACTOR, workspace)]
    draft = view(save_draft(ACTOR, workspace, copy_form(source, "sandbox-east-1")))
    view(send(ACTOR, workspace, draft.id))
    (granted,) = polled(workspace)
    assert granted.state == "granted"
    account = show_account(ACTOR, workspace, granted.granted_account_id, "sandbox-east-1")
    assert account and account.email == source["email"]


def test_a_sandbox_that_does_not_run_changes_nothing(settings: Settings, workspace: Workspace) -> None:
    email = f"ada.{time.time_ns()}@company.example"
    request = view(send(ACTOR, workspace, saved(workspace, email=email, region="sandbox-west-1").id))
    file = settings.home / "sandbox.json"
    content = file.read_text()
    file.unlink()
    time.sleep(4.5)
    assert poll_answers(ACTOR, workspace) == []
    other = saved(workspace, email=f"x{email}", region="sandbox-west-1")
    assert "not known here" in send(ACTOR, workspace, other.id).problems[0].what
    file.write_text(content)
    assert [one.id for one in polled(workspace)] == [request.id]


def test_a_sandbox_that_ends_meanwhile_leaves_a_draft(settings: Settings, workspace: Workspace) -> None:
    file = settings.home / "sandbox.json"
    content = file.read_text()
    file.unlink()
    file.write_text(content.replace("/sandbox", "/elsewhere"))
    draft = saved(workspace, region="sandbox-west-1")
    outcome = send(ACTOR, workspace, draft.id)
    assert outcome.problems[0].mend
    assert outcome.request and (outcome.request.state, outcome.request.unsure) == ("draft", False)
