"""Requests that a mail server sends."""

import os
import signal
import subprocess
import sys
import time

from core.services.request_views import show_request
from core.services.requests import delete_draft, mark_sent, remind, send
from core.services.workspace import Workspace, open_workspace
from core.settings import Settings
from tests.services.account_requests.forms import events, saved, view
from tests.services.conftest import ACTOR
from tests.services.mail_server import PASSWORD, UNKNOWN, MailServer


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
