"""Letters go to a real mail server; each way in which it fails has its own words, and none holds the password."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from core.domain.requests import Mail
from core.services.mail import MailProblem, MailTrouble, message, send_mail
from core.settings import Settings
from tests.conftest import free_ports
from tests.services.mail_server import PASSWORD, UNKNOWN, USER, MailServer, mail_server

MAIL = Mail(to="sales@outscale.example", subject="A new account", body="Déjà vu\n", reply_to="ada@company.example")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ONBOARDING_HOME", str(tmp_path))


def settings(**values: Any) -> Settings:
    return Settings(read_timeout=2, **values)


def failed(server: MailServer | None, trouble: MailTrouble, mail: Mail = MAIL, **changes: Any) -> MailProblem:
    values = server.settings(**changes) if server else changes
    problem = send_mail(settings(**values), mail)
    assert problem is not None
    assert problem.trouble is trouble, problem
    assert problem.what.endswith(".") or ":" in problem.what
    assert problem.mend
    assert PASSWORD not in problem.what + problem.mend
    return problem


def test_a_letter_goes_out_secured_and_signed_in(tmp_path: Path) -> None:
    with mail_server(tmp_path) as server:
        assert send_mail(settings(**server.settings()), MAIL) is None
    (letter,) = server.letters
    assert server.signed_in == [USER]
    assert server.secured == [True]
    assert (letter["To"], letter["Reply-To"], letter["Subject"]) == (MAIL.to, MAIL.reply_to, MAIL.subject)
    assert letter["From"] == "cloud@company.example"
    assert letter["Message-ID"].endswith("@company.example>")
    assert letter["Date"].datetime.tzinfo
    assert letter.get_content().replace("\r\n", "\n") == MAIL.body


def test_it_goes_over_tls_from_the_first_byte(tmp_path: Path) -> None:
    with mail_server(tmp_path, tls=True) as server:
        assert send_mail(settings(**server.settings(smtp_tls="tls")), MAIL) is None
        failed(server, MailTrouble.CONNECTION, smtp_tls="starttls")
    assert len(server.letters) == 1


def test_without_tls_on_loopback(tmp_path: Path) -> None:
    with mail_server(tmp_path, starttls=False, sign_in=False) as server:
        plain = server.settings(smtp_tls="none", smtp_user=None, smtp_password=None)
        assert send_mail(settings(**plain), MAIL) is None
        assert "STARTTLS" in failed(server, MailTrouble.TLS).what
        assert "TLS as expected" in failed(server, MailTrouble.TLS, smtp_tls="tls").what
        assert "no way to sign in" in failed(server, MailTrouble.SIGN_IN, smtp_tls="none").what


def test_a_password_goes_to_another_machine_by_tls_only() -> None:
    with pytest.raises(ValidationError, match="starttls or tls only"):
        settings(smtp_host="mail.example.com", smtp_password=PASSWORD, smtp_tls="none", smtp_from="a@b.example")
    with pytest.raises(ValidationError, match="sender"):
        settings(smtp_host="mail.example.com")


def test_a_wrong_password(tmp_path: Path) -> None:
    with mail_server(tmp_path) as server:
        problem = failed(server, MailTrouble.SIGN_IN, smtp_password=SecretStr("wrong-Pa55word"))
        assert "535" in problem.what
        assert "wrong-Pa55word" not in problem.what + problem.mend
        odd = failed(server, MailTrouble.SIGN_IN, smtp_password=SecretStr("gehéim"))
        assert "gehéim" not in odd.what + odd.mend
    assert server.letters == []


def test_a_refused_recipient_and_a_refused_letter(tmp_path: Path) -> None:
    with mail_server(tmp_path) as server:
        problem = failed(server, MailTrouble.RECIPIENT, MAIL.model_copy(update={"to": UNKNOWN}))
        assert "no such mailbox" in problem.what
        server.full = True
        assert "552" in failed(server, MailTrouble.REFUSED).what
        refused = failed(server, MailTrouble.REFUSED, smtp_user=None)
        assert "sign-in" in refused.mend


def test_a_certificate_that_nobody_trusts(tmp_path: Path) -> None:
    with mail_server(tmp_path) as server:
        assert "not trusted" in failed(server, MailTrouble.TLS, smtp_ca_file=None).what
        (tmp_path / "empty.pem").write_text("")
        assert "empty.pem" in failed(server, MailTrouble.TLS, smtp_ca_file=tmp_path / "empty.pem").what
        assert "missing.pem" in failed(server, MailTrouble.TLS, smtp_ca_file=tmp_path / "missing.pem").what
    assert server.letters == []


def test_a_server_that_is_not_there() -> None:
    where = {"smtp_port": free_ports(1), "smtp_from": "a@company.example"}
    failed(None, MailTrouble.NAME, smtp_host="mail.invalid", **where)
    problem = failed(None, MailTrouble.CONNECTION, smtp_host="127.0.0.1", **where)
    assert not problem.maybe_sent


@pytest.mark.parametrize("how", ["cut", "slow"])
def test_an_answer_that_does_not_come_may_mean_sent(tmp_path: Path, how: str) -> None:
    with mail_server(tmp_path) as server:
        server.cut, server.slow = how == "cut", 4 if how == "slow" else 0
        assert failed(server, MailTrouble.CONNECTION).maybe_sent
    assert len(server.letters) == 1


@pytest.mark.parametrize("field", ["to", "subject", "reply_to"])
def test_nobody_adds_a_header(field: str) -> None:
    evil = MAIL.model_copy(update={field: "a@b.example\r\nBcc: other@c.example"})
    with pytest.raises(ValueError, match=r"linefeed|carriage"):
        message(evil, "cloud@company.example")
