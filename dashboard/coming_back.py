"""Where somebody was when they went to sign in, so that they come back there: a link to a screen works for who is not
signed in yet. Kept in a cookie of that browser for the time of the sign-in."""

from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.requests import Request

from dashboard.navigation import HOME, SCREENS
from dashboard.sign_in import ASKED

_COOKIE = "onboarding_came_from"
_SECONDS = 900
_LONGEST = 2_000
_PATHS = {f"/{screen.file}" for screen in SCREENS if screen is not HOME}


def remember(request: Request, ours: str) -> str:
    """The cookie's header for a browser that leaves to sign in; empty when it comes from no screen of the dashboard.
    `ours` is the dashboard's address."""
    came = urlsplit(request.headers.get("referer", ""))
    if f"{came.scheme}://{came.netloc}" != ours:
        return ""
    where = _where(f"{came.path}?{came.query}")
    return _cookie(where, _SECONDS, ours) if where else ""


def back(request: Request) -> str:
    """Where the browser came from; empty when that is not known."""
    return _where(request.cookies.get(_COOKIE, ""))


def forget(ours: str) -> str:
    """The header that removes the cookie."""
    return _cookie("", 0, ours)


def _where(told: str) -> str:
    """A screen's path and what its address says. The text is the browser's: nothing else comes out of it."""
    parts = urlsplit(told)
    if parts.path not in _PATHS or parts.scheme or parts.netloc:
        return ""
    says = urlencode([(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name != ASKED])
    return parts.path + (f"?{says}" if says and len(says) <= _LONGEST else "")


def _cookie(value: str, seconds: int, ours: str) -> str:
    secure = "; Secure" if ours.startswith("https:") else ""
    return f"{_COOKIE}={value}; Max-Age={seconds}; Path=/oauth2callback; HttpOnly; SameSite=Lax{secure}"
