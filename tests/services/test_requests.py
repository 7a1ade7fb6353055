"""Requests for accounts, from the draft to the answer: by the sandbox, by a mail server, by a person's own mail."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from sqlmodel import select

from core.domain.actor import Actor
from core.domain.requests import RequestDraft
from core.domain.roles import Role
from core.services.accounts import show_account
from core.services.doors import known_accounts
from core.services.policy import policy_of
from core.services.request_answers import grant, poll_answers, refuse
from core.services.request_views import RequestView, copy_sources, list_requests, show_request, waiting
from core.services.requests import Outcome, annotate, delete_draft, mark_sent, remind, save_draft, send
from core.services.workspace import Workspace, open_workspace
from core.settings import Settings
from core.store.columns import now
from core.store.tables.accounts import AccountRequest
from core.store.tables.audit import Event
from tests.services.conftest import ACTOR
from tests.services.mail_server import PASSWORD, UNKNOWN, MailServer, mail_server

OTHER = Actor(name="other", via="test", role=Role.ADMINISTRATOR)
ACCOUNT = "123456789012"


def form(**changes: object) -> RequestDraft:
    fields = {
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
    return RequestDraft.model_validate(fields | changes)


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


def sent(workspace: Workspace, **changes: object) -> RequestView:
    return view(mark_sent(ACTOR, workspace, saved(workspace, **changes).id))


def events(workspace: Workspace, subject: str) -> list[str]:
    with workspace.store.reading() as session:
        return list(session.exec(select(Event.action).where(Event.subject == subject).order_by(Event.id)))


def backdated(workspace: Workspace, request_id: str, days: float) -> None:
    with workspace.store.writing() as session:
        row = session.get(AccountRequest, request_id)
        assert row
        row.sent = now() - timedelta(days=days)


def polled(workspace: Workspace, seconds: float = 15) -> list[RequestView]:
    deadline = time.monotonic() + seconds
    while not (answers := poll_answers(ACTOR, workspace)):
        assert time.monotonic() < deadline, "the sandbox did not answer"
        time.sleep(0.1)
    return answers


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MailServer]:
    with mail_server(tmp_path) as running:
        yield running


@pytest.fixture
def by_mail_server(settings: Settings, server: MailServer) -> Iterator[Workspace]:
    values = settings.model_dump() | server.settings() | {"read_timeout": 2}
    opened = open_workspace(Settings.model_validate(values))
    yield opened
    opened.close()


def test_a_draft_is_kept_unfinished_changed_and_deleted(workspace: Workspace) -> None:
    draft = view(save_draft(ACTOR, workspace, RequestDraft(company="Harbour Works")))
    assert (draft.state, draft.owner, draft.sent) == ("draft", ACTOR.name, None)
    again = view(save_draft(ACTOR, workspace, form(), draft.id, seen=draft.modified))
    assert again.draft == form()
    assert again.terms_accepted
    kept = view(save_draft(ACTOR, workspace, form(subject="Another"), draft.id))
    assert kept.terms_accepted == again.terms_accepted, "the moment of acceptance stays"
    assert view(save_draft(ACTOR, workspace, form(terms_accepted=False), draft.id)).terms_accepted is None
    assert [one.id for one in list_requests(ACTOR, workspace)] == [draft.id]
    assert delete_draft(ACTOR, workspace, draft.id) is None
    assert list_requests(ACTOR, workspace) == []
    assert show_request(ACTOR, workspace, draft.id) is None
    assert events(workspace, draft.id) == ["request.draft", *["request.edit"] * 3, "request.delete"]


def test_bad_input_keeps_it_from_being_sent_but_not_from_being_kept(workspace: Workspace) -> None:
    draft = saved(workspace, phone="12", terms_accepted=False)
    assert {problem.field for problem in send(ACTOR, workspace, draft.id).problems} == {"phone", "terms_accepted"}
    assert {problem.field for problem in mark_sent(ACTOR, workspace, draft.id).problems} == {"phone", "terms_accepted"}
    endless = save_draft(ACTOR, workspace, form(subject="x" * 201))
    assert [problem.field for problem in endless.problems] == ["subject"]
    assert [one.state for one in list_requests(ACTOR, workspace)] == ["draft"]


def test_without_a_mail_server_the_letter_is_ready_for_ones_own(workspace: Workspace) -> None:
    draft = saved(workspace)
    outcome = send(ACTOR, workspace, draft.id)
    assert outcome.mail
    assert outcome.mail.to == "sales@outscale.com"
    assert "Ada van Dijk" in unquote(outcome.mail.link)
    assert view(outcome).state == "draft", "nobody knows yet whether the person sends it"
    details = show_request(ACTOR, workspace, draft.id)
    assert details and details.mail == outcome.mail
    done = view(mark_sent(ACTOR, workspace, draft.id))
    assert (done.state, done.sent_by) == ("sent", "mail")
    assert events(workspace, draft.id) == ["request.draft", "request.send", "request.sent"]


def test_a_copy_goes_to_support(workspace: Workspace, sandbox) -> None:
    copy = view(save_draft(ACTOR, workspace, copy_form(sandbox.account(0), "eu-west-2")))
    outcome = send(ACTOR, workspace, copy.id)
    assert outcome.mail and outcome.mail.to == "support@outscale.com"
    assert sandbox.account(0)["account_id"] in outcome.mail.body


def test_a_granted_request_becomes_an_account(workspace: Workspace) -> None:
    request = sent(workspace)
    for wrong in ("", "12", "12345678901x"):
        (problem,) = grant(ACTOR, workspace, request.id, wrong, "eu-west-2").problems
        assert problem.field == "account_id"
    assert grant(ACTOR, workspace, request.id, ACCOUNT, "mars-1").problems[0].field == "region"
    granted = view(grant(ACTOR, workspace, request.id, f" {ACCOUNT} ", "us-east-2"))
    assert (granted.state, granted.granted_account_id, granted.region) == ("granted", ACCOUNT, "us-east-2")
    assert granted.answered
    account = show_account(ACTOR, workspace, ACCOUNT, "us-east-2")
    assert account
    assert (account.email, account.company, account.source, account.owner) == (
        "ada@company.example",
        "Harbour Works",
        "request",
        ACTOR.name,
    )
    assert "request.granted" in [event.action for event in account.events]


def test_a_copy_does_not_sign_in_with_the_email_of_who_asked(workspace: Workspace) -> None:
    view(grant(ACTOR, workspace, sent(workspace, email="root@company.example").id, ACCOUNT, "eu-west-2"))
    copy = copy_form({"account_id": ACCOUNT, "region": "eu-west-2"}, "us-east-2")
    request = view(mark_sent(ACTOR, workspace, view(save_draft(ACTOR, workspace, copy)).id))
    view(grant(ACTOR, workspace, request.id, "210987654321", "us-east-2"))
    account = show_account(ACTOR, workspace, "210987654321", "us-east-2")
    assert account and account.email == "root@company.example"


def test_a_refused_request_has_its_reason(workspace: Workspace) -> None:
    refused = view(refuse(ACTOR, workspace, sent(workspace).id, "No capacity"))
    assert (refused.state, refused.notes) == ("refused", "Refused: No capacity")


def test_forbidden_steps_are_refused(workspace: Workspace) -> None:
    draft = saved(workspace)
    steps = {
        "grant": lambda one: grant(ACTOR, workspace, one, ACCOUNT, "eu-west-2"),
        "refuse": lambda one: refuse(ACTOR, workspace, one),
        "remind": lambda one: remind(ACTOR, workspace, one),
        "send": lambda one: send(ACTOR, workspace, one),
        "mark_sent": lambda one: mark_sent(ACTOR, workspace, one),
        "save": lambda one: save_draft(ACTOR, workspace, form(), one),
        "delete": lambda one: Outcome(problems=[problem] if (problem := delete_draft(ACTOR, workspace, one)) else []),
    }
    for_drafts = {"send", "mark_sent", "save", "delete"}

    def forbidden(request_id: str, names: set[str]) -> None:
        for name in names:
            (problem,) = steps[name](request_id).problems
            assert problem.field == "state", name
            assert problem.what and problem.mend

    forbidden(draft.id, set(steps) - for_drafts)
    view(mark_sent(ACTOR, workspace, draft.id))
    forbidden(draft.id, for_drafts)
    view(refuse(ACTOR, workspace, draft.id))
    forbidden(draft.id, set(steps))
    for step in steps.values():
        assert step("no-such-id").problems[0].field == "id"


def test_two_people_at_once(workspace: Workspace) -> None:
    draft = saved(workspace)
    view(save_draft(OTHER, workspace, form(subject="Changed by the other"), draft.id, seen=draft.modified))
    for late in (
        save_draft(ACTOR, workspace, form(), draft.id, seen=draft.modified),
        send(ACTOR, workspace, draft.id, seen=draft.modified),
        mark_sent(ACTOR, workspace, draft.id, seen=draft.modified),
        annotate(ACTOR, workspace, draft.id, owner="me", notes="", seen=draft.modified),
    ):
        assert "meanwhile" in late.problems[0].what
    view(mark_sent(OTHER, workspace, draft.id))
    view(grant(OTHER, workspace, draft.id, ACCOUNT, "eu-west-2"))
    assert "It was granted." in refuse(ACTOR, workspace, draft.id).problems[0].what
    details = show_request(ACTOR, workspace, draft.id)
    assert details and (details.state, details.subject) == ("granted", "Changed by the other")


def test_the_same_request_does_not_wait_twice(workspace: Workspace) -> None:
    first = sent(workspace)
    second = saved(workspace)
    assert "waits for the answer" in send(ACTOR, workspace, second.id).problems[0].what
    view(refuse(ACTOR, workspace, first.id))
    assert send(ACTOR, workspace, second.id).mail


def test_owner_and_notes(workspace: Workspace) -> None:
    request = sent(workspace)
    changed = view(annotate(OTHER, workspace, request.id, owner=" Grace ", notes="Called them.", seen=request.modified))
    assert (changed.owner, changed.notes) == ("Grace", "Called them.")
    long = annotate(ACTOR, workspace, request.id, owner="x" * 65, notes="x" * 4001)
    assert [problem.field for problem in long.problems] == ["owner", "notes"]


def test_requests_without_answer_wait_until_they_are_reminded(workspace: Workspace) -> None:
    with workspace.store.writing() as session:
        policy = policy_of(session)
        policy.remind_days = 3
        session.add(policy)
    request, young = sent(workspace), sent(workspace, email="young@company.example")
    saved(workspace, email="draft@company.example")
    backdated(workspace, request.id, 3.1)
    backdated(workspace, young.id, 2.9)
    assert [one.id for one in waiting(ACTOR, workspace)] == [request.id]
    reminded = remind(ACTOR, workspace, request.id)
    assert reminded.mail and reminded.mail.subject.startswith("Reminder: ")
    assert view(reminded).reminded
    assert waiting(ACTOR, workspace) == []


def test_the_mail_server_sends_it(by_mail_server: Workspace, server: MailServer) -> None:
    request = view(send(ACTOR, by_mail_server, saved(by_mail_server).id))
    assert (request.state, request.sent_by, request.unsure) == ("sent", "smtp", False)
    (letter,) = server.letters
    assert (letter["To"], letter["Reply-To"]) == ("sales@outscale.com", "ada@company.example")
    assert "Head of cloud" in letter.get_content()
    assert events(by_mail_server, request.id) == ["request.draft", "request.send", "request.sent"]
    assert view(remind(ACTOR, by_mail_server, request.id)).reminded
    assert server.letters[1]["Subject"] == "Reminder: A cloud account"
    server.full = True
    before = show_request(ACTOR, by_mail_server, request.id)
    failed = remind(ACTOR, by_mail_server, request.id)
    assert "552" in failed.problems[0].what
    assert before and failed.request and failed.request.reminded == before.reminded


def test_a_mail_that_was_refused_leaves_a_draft(by_mail_server: Workspace, server: MailServer) -> None:
    server.full = True
    draft = saved(by_mail_server)
    outcome = send(ACTOR, by_mail_server, draft.id)
    assert "552" in outcome.problems[0].what
    assert outcome.request and (outcome.request.state, outcome.request.unsure) == ("draft", False)
    server.full = False
    assert view(send(ACTOR, by_mail_server, draft.id)).state == "sent"
    assert "request.not_sent" in events(by_mail_server, draft.id)


def test_an_unknown_recipient_is_said(settings: Settings, server: MailServer) -> None:
    values = settings.model_dump() | server.settings() | {"sales_address": UNKNOWN}
    opened = open_workspace(Settings.model_validate(values))
    try:
        outcome = send(ACTOR, opened, saved(opened).id)
        assert UNKNOWN in outcome.problems[0].what
    finally:
        opened.close()


def test_a_lost_answer_says_that_it_may_have_been_sent(by_mail_server: Workspace, server: MailServer) -> None:
    server.cut = True
    outcome = send(ACTOR, by_mail_server, saved(by_mail_server).id)
    assert "may have been sent" in outcome.problems[0].what
    assert outcome.request and outcome.request.unsure
    server.cut = False
    (problem,) = send(ACTOR, by_mail_server, outcome.request.id).problems
    assert "may have been sent" in problem.what
    refused = delete_draft(ACTOR, by_mail_server, outcome.request.id)
    assert refused and "may have been sent" in refused.what
    assert len(server.letters) == 1
    marked = view(mark_sent(ACTOR, by_mail_server, outcome.request.id))
    assert (marked.state, marked.sent, marked.sent_by) == ("sent", outcome.request.sent, "smtp")


def test_a_killed_process_leaves_a_request_that_may_have_been_sent(
    by_mail_server: Workspace, server: MailServer
) -> None:
    server.slow = 3
    draft = saved(by_mail_server)
    code = (
        "import sys; from core.domain.actor import Actor; from core.services.requests import send;"
        "from core.services.workspace import open_workspace; from core.settings import Settings;"
        "send(Actor(name='killed', role='administrator'), open_workspace(Settings()), sys.argv[1])"
    )
    wanted = by_mail_server.settings.model_dump(exclude_none=True, exclude={"smtp_password", "master_key"})
    environment = {f"ONBOARDING_{name.upper()}": str(value) for name, value in wanted.items()}
    environment |= {"ONBOARDING_SMTP_PASSWORD": PASSWORD, "ONBOARDING_READ_TIMEOUT": "30"}
    process = subprocess.Popen([sys.executable, "-c", code, draft.id], env=os.environ | environment)
    assert server.receiving.wait(30)
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    left = show_request(ACTOR, by_mail_server, draft.id)
    assert left and left.unsure and left.sent_by == "smtp"
    while not server.letters:  # it had been, in fact
        time.sleep(0.05)
    server.slow, server.full = 0, True
    again = send(ACTOR, by_mail_server, draft.id, again=True)
    assert "552" in again.problems[0].what
    assert again.request and again.request.sent == left.sent, "the first letter may still have been sent"
    server.full = False
    assert view(send(ACTOR, by_mail_server, draft.id, again=True)).state == "sent"


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
