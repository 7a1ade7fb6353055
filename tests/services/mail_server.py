"""A real mail server on loopback, with STARTTLS and sign-in as a test wants them."""

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP as SMTP_POLICY
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.conftest import free_ports

USER, PASSWORD = "onboarding", "a-mail-Pa55word"  # pragma: allowlist secret - made up
UNKNOWN = "nobody@outscale.example"


@dataclass
class MailServer:
    """What came in. `cut`: hang up once a letter was taken; `slow`: seconds of silence before it is; `full`: refuse
    letters."""

    ca_file: Path
    port: int = 0
    letters: list[EmailMessage] = field(default_factory=list)
    signed_in: list[str] = field(default_factory=list)
    secured: list[bool] = field(default_factory=list)
    receiving: threading.Event = field(default_factory=threading.Event)
    cut: bool = False
    slow: float = 0
    full: bool = False

    def settings(self, **changes: Any) -> dict[str, Any]:
        """The settings of a client that signs in over STARTTLS."""
        return {
            "smtp_host": "127.0.0.1",
            "smtp_port": self.port,
            "smtp_user": USER,
            "smtp_password": PASSWORD,
            "smtp_from": "cloud@company.example",
            "smtp_ca_file": self.ca_file,
        } | changes

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        if right:
            self.signed_in.append(USER)
        return AuthResult(success=right, handled=False)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address == UNKNOWN:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.receiving.set()
        time.sleep(self.slow)  # the whole server is silent
        if self.full:
            return "552 the mailbox is full"
        self.secured.append(session.ssl is not None)
        self.letters.append(BytesParser(EmailMessage, policy=SMTP_POLICY).parsebytes(envelope.content or b""))
        if self.cut:
            assert server.transport
            server.transport.abort()
        return "250 OK"


@contextmanager
def mail_server(
    folder: Path, *, starttls: bool = True, tls: bool = False, sign_in: bool = True
) -> Iterator[MailServer]:
    """A server on a free port of 127.0.0.1, with a certificate of an authority of its own."""
    authority = trustme.CA()
    ca_file = folder / "mail-ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server = MailServer(ca_file)
    secured: dict[str, Any] = {"tls_context": context, "require_starttls": True} if starttls and not tls else {}
    if sign_in:
        secured |= {
            "auth_required": not tls,
            "auth_require_tls": starttls and not tls,
            "authenticator": server.authenticate,
        }
    controller = Controller(
        server,
        hostname="127.0.0.1",
        port=free_ports(1),
        ssl_context=context if tls else None,
        ready_timeout=20,
        **secured,
    )
    controller.start()
    server.port = controller.port
    try:
        yield server
    finally:
        controller.stop()
