"""Letters by the mail server that the settings name. What goes wrong is one value that says what to do."""

import smtplib
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import localtime, make_msgid
from enum import StrEnum

from core.domain.hosts import NOTHING, Standing
from core.domain.requests import Mail
from core.outscale.egress import Gate
from core.outscale.errors import OutscaleError
from core.settings import Settings

_WORDS_SHOWN = 200


class MailTrouble(StrEnum):
    """What kept a letter from being sent."""

    NOT_ALLOWED = "not_allowed"  # this program never connects there
    NAME = "name"
    CONNECTION = "connection"
    TLS = "tls"
    SIGN_IN = "sign_in"
    RECIPIENT = "recipient"
    REFUSED = "refused"  # for another reason, such as its sender or its size


@dataclass(frozen=True)
class MailProblem:
    """A letter that was not sent, or with `maybe_sent` one of which nobody knows: the server had it, and its answer
    did not come."""

    trouble: MailTrouble
    what: str
    mend: str
    maybe_sent: bool = False


def message(mail: Mail, sender: str) -> EmailMessage:
    """The letter as it goes over the wire, from `sender`, answers to its `reply_to`.

    Raises ValueError when a header would hold a line end: nobody may add headers of their own."""
    letter = EmailMessage()
    letter["From"] = sender
    letter["To"] = mail.to
    letter["Reply-To"] = mail.reply_to
    letter["Subject"] = mail.subject
    letter["Date"] = localtime()
    letter["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    letter.set_content(mail.body)
    return letter


def send_mail(settings: Settings, mail: Mail) -> MailProblem | None:
    """Send a letter by the mail server of the settings, once. None when the server took it.

    Raises ValueError for a letter that `message` refuses."""
    where = f"The mail server {settings.smtp_host}:{settings.smtp_port}"
    letter = message(mail, settings.smtp_from or "")
    try:
        server = _connected(settings)
    except OutscaleError as refused:
        return MailProblem(MailTrouble.NOT_ALLOWED, refused.what, "Check ONBOARDING_SMTP_HOST.")
    except (OSError, _TlsError) as error:
        return _unusable(settings, where, error)
    handed_over = False
    try:
        if problem := _sign_in(settings, server, where):
            return problem
        handed_over = True
        server.send_message(letter)
    except smtplib.SMTPRecipientsRefused as error:
        code, said = next(iter(error.recipients.values()))
        what = f"{where} takes no letters for {mail.to}: {_words(settings, code, said)}"
        return MailProblem(MailTrouble.RECIPIENT, what, "Check the address, and whether the server relays for you.")
    except (smtplib.SMTPResponseException, smtplib.SMTPNotSupportedError) as error:
        return _refused(settings, f"{where} refused the letter", error)
    except OSError as error:  # every error of smtplib is one too
        how = "did not answer in time" if "timed out" in str(error) else "ended the connection"
        return _broken(where, handed_over, how)
    finally:
        with suppress(OSError):
            server.quit()
    return None


class _Smtp(smtplib.SMTP):
    """A connection that the gate opens. The environment names the server, so it may be in a private network, and on
    this machine when it is written as such."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return Gate(Standing.SETTING, NOTHING).connect(host, port, timeout)


class _SmtpOverTls(smtplib.SMTP_SSL, _Smtp):
    """The same, secured from the first byte for the server's name."""


class _TlsError(Exception):
    """The way could not be secured. The text says why."""


def _connected(settings: Settings) -> smtplib.SMTP:
    """A connection that is as secure as the settings ask for."""
    host, port, patience = settings.smtp_host or "", settings.smtp_port, settings.read_timeout
    if settings.smtp_tls == "none":
        return _Smtp(host, port, timeout=patience)
    try:
        context = ssl.create_default_context(cafile=settings.smtp_ca_file)
    except OSError as error:  # a PEM file without certificates is an SSLError, which is one too
        reason = f"{settings.smtp_ca_file} cannot be used ({error.strerror or 'no certificate in PEM form'})"
        raise _TlsError(reason) from None
    if settings.smtp_tls == "tls":
        return _SmtpOverTls(host, port, timeout=patience, context=context)
    server = _Smtp(host, port, timeout=patience)
    try:
        code, _ = server.starttls(context=context)
        if code != 220:
            raise _TlsError(f"it refuses STARTTLS (code {code})")
    except smtplib.SMTPNotSupportedError:
        server.close()
        raise _TlsError("it does not offer STARTTLS") from None
    except BaseException:
        server.close()
        raise
    return server


def _sign_in(settings: Settings, server: smtplib.SMTP, where: str) -> MailProblem | None:
    """What an answer to a sign-in says is not repeated: it may repeat what was sent."""
    if not settings.smtp_user:
        return None
    password = settings.smtp_password.get_secret_value() if settings.smtp_password else ""
    mend = "Check ONBOARDING_SMTP_USER and ONBOARDING_SMTP_PASSWORD."
    try:
        server.login(settings.smtp_user, password)
    except smtplib.SMTPAuthenticationError as error:
        what = f"{where} refused the sign-in of {settings.smtp_user} (code {error.smtp_code})."
        return MailProblem(MailTrouble.SIGN_IN, what, mend)
    except UnicodeError:
        what = "The mail server's user name or password has a letter that cannot be sent there."
        return MailProblem(MailTrouble.SIGN_IN, what, "Use one of ASCII letters, digits and signs.")
    except smtplib.SMTPServerDisconnected:
        raise
    except smtplib.SMTPException:
        what = f"{where} offers no way to sign in that is known here."
        return MailProblem(MailTrouble.SIGN_IN, what, "Take ONBOARDING_SMTP_USER away, or ask who runs the server.")
    return None


def _unusable(settings: Settings, where: str, error: OSError | _TlsError) -> MailProblem:
    if isinstance(error, socket.gaierror):
        what = f"The name {settings.smtp_host} does not resolve."
        return MailProblem(MailTrouble.NAME, what, "Check ONBOARDING_SMTP_HOST.")
    if isinstance(error, smtplib.SMTPResponseException):
        return _refused(settings, f"{where} lets nobody in", error)
    if isinstance(error, ssl.SSLError | _TlsError):
        reason = str(error) if isinstance(error, _TlsError) else "it does not speak TLS as expected"
        if isinstance(error, ssl.SSLCertVerificationError):
            reason = f"its certificate is not trusted here ({error.verify_message})"
        mend = "Check ONBOARDING_SMTP_TLS and ONBOARDING_SMTP_PORT; name its authority with ONBOARDING_SMTP_CA_FILE."
        return MailProblem(MailTrouble.TLS, f"{where} cannot be used by {settings.smtp_tls}: {reason}.", mend)
    if isinstance(error, TimeoutError | smtplib.SMTPServerDisconnected):
        return _broken(where, False, f"did not answer within {settings.read_timeout:.0f} s, or ended the connection")
    return _broken(where, False, f"was not reached ({error.strerror or type(error).__name__})")


def _refused(settings: Settings, what: str, error: smtplib.SMTPException) -> MailProblem:
    said = _words(settings, getattr(error, "smtp_code", 0), getattr(error, "smtp_error", "") or str(error))
    mend = "Check ONBOARDING_SMTP_FROM and whether it wants a sign-in, or ask who runs the server."
    return MailProblem(MailTrouble.REFUSED, f"{what}: {said}", mend)


def _broken(where: str, handed_over: bool, how: str) -> MailProblem:
    if not handed_over:
        mend = "Check ONBOARDING_SMTP_HOST, ONBOARDING_SMTP_PORT and ONBOARDING_SMTP_TLS, and whether the server runs."
        return MailProblem(MailTrouble.CONNECTION, f"{where} {how}.", mend)
    return MailProblem(
        MailTrouble.CONNECTION,
        f"{where} {how} while the letter was handed over: it may have been sent.",
        "Ask the recipient, or whoever runs the server, before it is sent again.",
        maybe_sent=True,
    )


def _words(settings: Settings, code: int, said: bytes | str) -> str:
    """A server's own words, on one line and without the password."""
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    password = settings.smtp_password.get_secret_value() if settings.smtp_password else ""
    if password:
        text = text.replace(password, "***")
    return f"{code or ''} {' '.join(text.split())}".strip()[:_WORDS_SHOWN]
