"""What is asked of every request before Streamlit gets it: files only for browsers that are signed in, a clear end for
every sign-in that fails, and headers that keep other sites from framing a screen."""

import logging
from collections import deque
from contextvars import ContextVar
from time import monotonic
from urllib.parse import parse_qs

import httpx
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.services.sign_in import counts, not_let_in
from core.store.store import StoreError
from core.vault.master_key import VaultError
from dashboard import coming_back
from dashboard.browsers import sign_in_of
from dashboard.session import people_sign_in, workspace
from dashboard.sign_in import ASKED

_LOGIN, _CALLBACK = "/auth/login", "/oauth2callback"
_FILES = ("/media/", "/downloads/", "/_stcore/upload_file")
_COOKIE = b"_streamlit_user="
_HEADERS = {"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}
_RECORDED_A_MINUTE = 20
"""Anybody can call for a sign-in that fails, so not each of a flood makes an event; the log has them all."""

_log = logging.getLogger(__name__)
_troubles: ContextVar[list[BaseException] | None] = ContextVar("troubles", default=None)
_recorded: deque[float] = deque(maxlen=_RECORDED_A_MINUTE)


class _Overheard(logging.Handler):
    """Streamlit keeps to its log why a sign-in failed; here it is also told to the request that it belongs to."""

    def emit(self, record: logging.LogRecord) -> None:
        heard = _troubles.get()
        if heard is not None and record.exc_info and record.exc_info[1]:
            heard.append(record.exc_info[1])


logging.getLogger("streamlit.web.server.starlette.starlette_auth_routes").addHandler(_Overheard())


class Guard:
    """Stands in front of Streamlit's own program."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or let Streamlit."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        path = scope["path"]
        if path.startswith(_FILES) and not await run_in_threadpool(_may_have_files, Request(scope)):
            refusal = PlainTextResponse("Sign in first, on the screen that you came from.", 403)
            await refusal(scope, receive, with_headers)
        elif path in {_LOGIN, _CALLBACK}:
            await self._watched(scope, receive, with_headers)
        else:
            await self._app(scope, receive, with_headers)

    async def _watched(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let Streamlit answer, and lead a sign-in that failed to the screen that says so."""
        heard: list[BaseException] = []
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        before = _troubles.set(heard)
        try:
            await self._app(scope, receive, keep)
        finally:
            _troubles.reset(before)
        if ended := _how_it_ended(scope, answer[0], heard):
            said, why = ended
            await run_in_threadpool(_record, Request(scope), why)
            headers = MutableHeaders(scope=answer[0])
            headers["location"] = f"/?{ASKED}={said}"
            headers["content-length"] = "0"
            answer[0]["status"] = 302
            answer[1:] = [{"type": "http.response.body", "body": b""}]
        else:
            _lead_back(Request(scope), answer[0])
        for message in answer:
            await send(message)


def _lead_back(request: Request, start: Message) -> None:
    """Let a browser that signs in come back to the screen that it left for that."""
    headers, ours = MutableHeaders(scope=start), workspace().settings.browser_address
    if request.url.path == _LOGIN:
        if cookie := coming_back.remember(request, ours):
            headers.append("set-cookie", cookie)
    elif _signed_in(start) and (where := coming_back.back(request)):
        headers["location"] = where
        headers.append("set-cookie", coming_back.forget(ours))


def _may_have_files(request: Request) -> bool:
    try:
        if not people_sign_in():
            return True
        sign_in = sign_in_of(request.cookies)
        return sign_in is not None and counts(workspace(), sign_in)
    except (StoreError, VaultError):
        return False


def _how_it_ended(scope: Scope, start: Message, heard: list[BaseException]) -> tuple[str, str] | None:
    """What to say of a sign-in that failed, and what to record; nothing when it did not fail."""
    asked = parse_qs(scope["query_string"].decode("latin-1"))
    if scope["path"] == _LOGIN:
        return _because(heard) if start["status"] >= 400 else None
    if "error" in asked:
        return "denied", f"the provider said {_plain(asked['error'][0])}"
    if "code" not in asked or _signed_in(start):
        return None  # without a code, the provider's sign-out led here
    return _because(heard) if heard else ("stale", "the answer belongs to no sign-in that this browser began")


def _signed_in(start: Message) -> bool:
    values = [value for name, value in start["headers"] if name == b"set-cookie" and value.startswith(_COOKIE)]
    return any(value.removeprefix(_COOKIE)[:2] not in {b'""', b"; "} for value in values)


def _because(heard: list[BaseException]) -> tuple[str, str]:
    error = heard[0] if heard else None
    kind = type(error).__name__
    if isinstance(error, httpx.HTTPError | OSError):
        return "unreachable", f"the provider does not answer: {kind}"
    if kind == "ExpiredTokenError":
        return "expired", "the token's time is over"
    if kind in {"BadSignatureError", "InvalidKeyIdError", "DecodeError", "UnsupportedAlgorithmError"}:
        return "untrusted", f"the token's signature is not the provider's: {kind}"
    if kind in {"InvalidClaimError", "MissingClaimError", "InvalidTokenError"}:
        return "untrusted", f"the token's content is wrong: {kind} {_plain(str(error))}".rstrip()
    return "failed", f"the provider's answer was not taken: {kind}"


def _plain(told: str) -> str:
    """A short word of others for a line of ours."""
    return "".join(sign for sign in told if sign.isascii() and (sign.isalnum() or sign in " _-."))[:64]


def _record(request: Request, why: str) -> None:
    address = request.client.host if request.client else ""
    _log.warning("a sign-in failed: %s", why)
    present = monotonic()
    if len(_recorded) == _RECORDED_A_MINUTE and present - _recorded[0] < 60:
        return
    _recorded.append(present)
    try:
        not_let_in(workspace(), address, why)
    except (StoreError, VaultError) as error:
        _log.error("a sign-in that failed could not be recorded: %s", error)
