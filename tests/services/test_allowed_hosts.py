"""The list of allowed hosts: kept with its events, and asked wherever somebody names a proxy."""

import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlmodel import select

from core.domain.checks import Outcome
from core.domain.requests import Mail
from core.outscale import egress
from core.outscale.egress import Place
from core.services.account_data import read_from_key
from core.services.allowed_hosts import NOTE_LENGTH, allow_host, list_allowed_hosts, remove_allowed_host
from core.services.credentials import check_again, show_credentials
from core.services.mail import MailTrouble, send_mail
from core.services.onboarding import add_credentials
from core.services.workspace import Workspace
from core.settings import Settings
from core.store.tables.audit import Event
from core.store.tables.policy import AllowedHost
from tests.services.conftest import ACTOR, billing, checked, line, project_row, projects, stored
from tests.services.mail_server import mail_server

PROXY = "https://user:p@ss@proxy.invalid:3128"
MAIL = Mail(to="sales@outscale.example", subject="A new account", body="Hello\n", reply_to="ada@company.example")


def events(workspace: Workspace) -> list[tuple[str, str, str]]:
    with workspace.store.reading() as session:
        found = session.exec(select(Event).where(Event.action.startswith("allowed_hosts."))).all()
        return [(one.actor, one.action, one.subject) for one in found]


def entries(workspace: Workspace) -> list[str]:
    return [one.entry for one in list_allowed_hosts(ACTOR, workspace)]


def test_entries_are_added_and_removed_with_events(workspace: Workspace) -> None:
    assert entries(workspace) == []
    assert allow_host(ACTOR, workspace, " Proxy.Company.example:3128", "the  way\nout") == []
    assert allow_host(ACTOR, workspace, "10.0.0.0/8") == []
    first, second = list_allowed_hosts(ACTOR, workspace)
    assert (first.entry, second.entry, second.note) == ("10.0.0.0/8", "proxy.company.example:3128", "the way out")
    assert second.added_by == ACTOR.name
    assert abs(datetime.now(UTC) - second.added).total_seconds() < 60
    assert second.counts
    (problem,) = allow_host(ACTOR, workspace, "PROXY.company.example:3128")
    assert problem.field == "entry" and "on the list already" in problem.what
    assert remove_allowed_host(ACTOR, workspace, "PROXY.company.example.:3128") is None
    assert entries(workspace) == ["10.0.0.0/8"]
    assert remove_allowed_host(ACTOR, workspace, "proxy.company.example:3128")
    assert remove_allowed_host(ACTOR, workspace, "not an entry")
    assert events(workspace) == [
        (ACTOR.name, "allowed_hosts.add", "proxy.company.example:3128"),
        (ACTOR.name, "allowed_hosts.add", "10.0.0.0/8"),
        (ACTOR.name, "allowed_hosts.remove", "proxy.company.example:3128"),
    ]


@pytest.mark.parametrize("entry", ["127.0.0.1", "localhost", "0.0.0.0/0", "169.254.169.254", "*", "https://x.example"])
def test_what_would_open_too_much_is_refused_with_why(workspace: Workspace, entry: str) -> None:
    (problem,) = allow_host(ACTOR, workspace, entry)
    assert problem.field == "entry"
    assert problem.what.endswith(".") and problem.mend.endswith(".")
    (problem,) = allow_host(ACTOR, workspace, "proxy.example", "x" * (NOTE_LENGTH + 1))
    assert problem.field == "note"
    assert entries(workspace) == [] and events(workspace) == []


def test_an_entry_of_another_version_opens_nothing_and_can_be_removed(workspace: Workspace) -> None:
    with workspace.store.writing() as session:
        session.add(AllowedHost(entry="0.0.0.0/0", added_by="somebody"))
        session.add(AllowedHost(entry="proxy.example", added_by="somebody"))
    assert [one.counts for one in list_allowed_hosts(ACTOR, workspace)] == [False, True]
    assert [str(rule) for rule in workspace.allowed.rules] == ["proxy.example"]
    assert remove_allowed_host(ACTOR, workspace, "0.0.0.0/0") is None
    assert entries(workspace) == ["proxy.example"]


@pytest.fixture
def nothing_leaves(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Notes every name that is looked up and every connection that is made; gives the list."""
    noted: list[str] = []
    real = egress.dial

    def look_up(host: str, port: int) -> list[Place]:
        noted.append(f"name {host}")
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    def dial(place: Place, *more: Any) -> socket.socket:
        noted.append(f"connection {place[1][0]}")
        return real(place, *more)

    monkeypatch.setattr(egress, "look_up", look_up)
    monkeypatch.setattr(egress, "dial", dial)
    return noted


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        (PROXY, "not on the list of allowed hosts"),
        ("https://u:p@127.0.0.1:3128", "this machine itself"),
        ("https://u:p@localhost:3128", "this machine itself"),
        ("https://u:p@169.254.169.254:80", "metadata service"),
        ("https://allowed.example:x@169.254.169.254:80", "metadata service"),
        ("https://u:p@[::ffff:7f00:1]:80", "written as IPv6"),
        ("https://u:p@2130706433:80", "not read here"),
        ("https://u:p@0x7f.1:80", "not read here"),
    ],
)
def test_the_form_says_so_before_any_connection(
    workspace: Workspace, sandbox, nothing_leaves: list[str], proxy: str, words: str
) -> None:
    assert allow_host(ACTOR, workspace, "allowed.example") == []
    draft = projects(project_row(sandbox.account(0)), proxy=proxy)
    report = checked(workspace, draft)
    assert [problem.field for problem in report.problems] == ["proxy"]
    assert words in report.problems[0].what
    assert report.results == [] and nothing_leaves == []
    if "not on the list" in words:
        assert "Ask an administrator to allow proxy.invalid" in report.problems[0].mend
    assert add_credentials(ACTOR, workspace, draft, report).problems[0].field == "proxy"
    key = sandbox.account(0)["access_keys"][0]
    read = read_from_key(
        ACTOR, workspace, key["access_key_id"], SecretStr(key["secret_key"]), "sandbox-west-1", SecretStr(proxy)
    )
    assert [problem.field for problem in read.problems] == ["proxy"]
    assert nothing_leaves == []
    with workspace.store.reading() as session:
        noted = session.exec(select(Event).where(Event.action == "refused.proxy")).all()
    assert len(noted) == 3, "each try is recorded"
    assert words in noted[0].details["why"]
    assert noted[0].subject.endswith((":80", ":3128")) and "p@ss" not in str(noted)


def test_a_metadata_address_as_an_http_proxy(workspace: Workspace, sandbox, nothing_leaves: list[str]) -> None:
    for proxy in ("http://169.254.169.254", "http://169.254.169.254:80", "https://169.254.169.254:80"):
        report = checked(workspace, projects(project_row(sandbox.account(0)), proxy=proxy))
        assert [problem.field for problem in report.problems] == ["proxy"]
    assert nothing_leaves == []


def test_billing_credentials_have_no_proxy_to_ask_about(workspace: Workspace, sandbox) -> None:
    report = checked(workspace, billing(sandbox.info, proxy=PROXY))
    assert report.problems == [] and report.complete


def test_stored_credentials_with_a_proxy_need_its_host_on_the_list(
    workspace: Workspace, sandbox, nothing_leaves: list[str]
) -> None:
    """As after an update: what was stored stays, and every connection is refused until the host is allowed."""
    assert allow_host(ACTOR, workspace, "proxy.invalid") == []
    draft = projects(project_row(sandbox.account(0)), proxy=PROXY)
    report = checked(workspace, draft)
    assert report.problems == [] and report.only_unreachable
    assert "does not resolve" in line(report, "API reached").found
    added = add_credentials(ACTOR, workspace, draft, report, accept_unreachable=True)
    assert added.id
    assert remove_allowed_host(ACTOR, workspace, "proxy.invalid") is None
    nothing_leaves.clear()
    check_again(ACTOR, workspace, ["demo"])
    details = show_credentials(ACTOR, workspace, "demo")
    assert details
    reached = next(one for one in details.checks if one.check == "API reached")
    assert reached.outcome is Outcome.FAILED
    assert "proxy.invalid (port 3128) is not on the list" in reached.found
    assert "Ask an administrator" in reached.mend
    assert nothing_leaves == []


def test_the_sandbox_needs_no_entry(workspace: Workspace, sandbox) -> None:
    assert stored(workspace, projects(project_row(sandbox.account(0))))
    assert entries(workspace) == []


# The mail server, which the environment names.


def settings(**values: Any) -> Settings:
    return Settings(read_timeout=2, smtp_from="cloud@company.example", smtp_tls="none", **values)


def test_a_mail_server_on_this_machine_is_used_when_the_setting_says_so(tmp_path: Path) -> None:
    with mail_server(tmp_path, starttls=False, sign_in=False) as server:
        for host in ("127.0.0.1", "localhost"):
            assert send_mail(settings(smtp_host=host, smtp_port=server.port), MAIL) is None
        assert len(server.letters) == 2


@pytest.mark.parametrize("tls", ["none", "starttls", "tls"])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "169.254.169.254", "::ffff:127.0.0.1"])
def test_a_mail_servers_name_leads_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, tls: str
) -> None:
    real = egress.look_up
    monkeypatch.setattr(egress, "look_up", lambda _host, port: real(address, port))
    with mail_server(tmp_path, starttls=False, sign_in=False) as server:
        where = {"smtp_host": "mail.company.example", "smtp_port": server.port}
        problem = send_mail(settings(**where).model_copy(update={"smtp_tls": tls}), MAIL)
        assert problem and problem.trouble is MailTrouble.NOT_ALLOWED
        assert "mail.company.example" in problem.what and "ONBOARDING_SMTP_HOST" in problem.mend
        assert server.letters == []
    odd = send_mail(settings(smtp_host="2130706433"), MAIL)
    assert odd and odd.trouble is MailTrouble.NOT_ALLOWED


def test_a_mail_server_in_a_private_network_is_looked_up_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers, dialled = ["10.20.30.40", "127.0.0.1"], []
    look_up, dial = egress.look_up, egress.dial
    with mail_server(tmp_path, starttls=False, sign_in=False) as server:

        def to_the_server(place: Place, *more: Any) -> socket.socket:
            dialled.append(place[1][0])
            return dial(look_up("127.0.0.1", server.port)[0], *more)

        monkeypatch.setattr(egress, "look_up", lambda _host, port: look_up(answers.pop(0), port))
        monkeypatch.setattr(egress, "dial", to_the_server)
        assert send_mail(settings(smtp_host="mail.company.example", smtp_port=server.port), MAIL) is None
        assert (answers, dialled, len(server.letters)) == (["127.0.0.1"], ["10.20.30.40"], 1)
