"""Which browser is signed in as whom: files are handed to the browser that they are for, and to no other.

A browser is known by its sign-in cookie, which Streamlit signs and scripts cannot read. Its digest alone is kept."""

import hashlib
import re
from collections.abc import Mapping

_COOKIE = re.compile(r"_streamlit_user(_\d+)?")
_signed_in: dict[str, str] = {}


def mark(cookies: Mapping[str, str]) -> str:
    """What a browser's cookies are known by here; empty for one that is not signed in."""
    told = sorted((name, value) for name, value in cookies.items() if _COOKIE.fullmatch(name))
    return hashlib.sha256(repr(told).encode()).hexdigest() if told else ""


def remember(cookies: Mapping[str, str], sign_in_id: str) -> None:
    """A browser whose sign-in was just admitted."""
    if known := mark(cookies):
        _signed_in[known] = sign_in_id


def sign_in_of(cookies: Mapping[str, str]) -> str | None:
    """The sign-in of a browser that was admitted since this process began."""
    return _signed_in.get(mark(cookies))
