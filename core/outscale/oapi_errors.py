"""What a refusal of the OUTSCALE API means (documentation, OUTSCALE API Errors), in the user's words.

It is decided by the code, then by the HTTP status, never by the Type: throttling and a wrong password share one."""

import json
import re
from dataclasses import dataclass
from typing import Any

from core.outscale.codes import A_WHILE, API_BY_CODE, FAMILIES, Meaning, family_of
from core.outscale.errors import OutscaleError, Trouble


@dataclass(frozen=True)
class Asked:
    """What was asked: the call, the Region, and whether a password signed it or was its subject."""

    call: str
    region: str
    by_password: bool = False


@dataclass(frozen=True)
class _Refusal:
    """What an error body says, whichever of the three shapes it has."""

    code: str | None
    details: str
    request_id: str | None


_NO_SUCH_THING = Meaning(Trouble.NOT_FOUND, "There is nothing that {call} could mean.", "Read the list again.")
_REFUSED = Meaning(Trouble.AUTHENTICATION, "The API refused the sign-in.", "Check what was typed, then try once more.")
_EXPIRED = Meaning(Trouble.EXPIRED_KEY, "The access key has expired.", "Create a new key and use that one.")
_INACTIVE = Meaning(Trouble.INACTIVE_KEY, "The access key is INACTIVE.", "Activate it in Cockpit, or use another key.")
_OTHER, _FORBIDDEN, _THROTTLED = API_BY_CODE["0"], API_BY_CODE["5"], API_BY_CODE["24"]
_SERVER, _CONFLICT = (next(one.meaning for one in FAMILIES if one.first == first) for first in (2000, 6000))
_SAY_LITTLE = frozenset({_OTHER, _REFUSED, _NO_SUCH_THING, *(one.meaning for one in FAMILIES)})
"""Meanings that the API's own words are added to."""


def api_error(status: int, content_type: str, body: bytes, asked: Asked) -> OutscaleError:
    """The error of an answer that is not a success, or not an answer of the API at all."""
    refusal = _refusal(body)
    if refusal is None:
        return server_error(status, asked) if status >= 500 else not_json(status, content_type, asked)
    meaning = _meaning(status, refusal, asked)
    seconds = re.search(r"(\d+)\s*(?:s\b|sec)", refusal.details)
    wait = f"{seconds[1]} seconds" if seconds else A_WHILE
    what = meaning.what.format(call=f"the call {asked.call}", region=asked.region, wait=wait)
    own = refusal.details.strip().rstrip(".") if meaning in _SAY_LITTLE else ""
    return OutscaleError(
        meaning.trouble,
        f"{what.rstrip('.')}: {own}." if own else what,
        meaning.mend,
        code=refusal.code or str(status),
        request_id=refusal.request_id,
        details=refusal.details,
        passing=meaning.trouble in {Trouble.THROTTLED, Trouble.SERVER},
    )


def server_error(status: int, asked: Asked) -> OutscaleError:
    """The error of a 5xx without words."""
    what = _SERVER.what.format(region=asked.region)
    return OutscaleError(Trouble.SERVER, what, _SERVER.mend, code=str(status), passing=True)


def not_json(status: int, content_type: str, asked: Asked) -> OutscaleError:
    """The error of an answer that is no answer of the API."""
    shown = "a web page" if "html" in content_type.lower() else "something else"
    return OutscaleError(
        Trouble.NOT_JSON,
        f"Instead of the API of {asked.region}, {shown} answered.",
        "Something in between answers (a sign-in page of the network, a proxy), or the Region's address is wrong.",
        details=f"HTTP {status}, {content_type or 'no content type'}",
    )


def _refusal(body: bytes) -> _Refusal | None:
    try:
        said = json.loads(body)
    except ValueError:
        return None
    if not isinstance(said, dict):
        return None
    context = said.get("ResponseContext")
    request_id = context.get("RequestId") if isinstance(context, dict) else None
    errors = said.get("Errors")
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        code, details = errors[0].get("Code"), errors[0].get("Details") or errors[0].get("Type")
    elif "__type" in said:  # the older services' shape
        code, details = said["__type"], said.get("message") or said.get("Message")
    elif "title" in said or "detail" in said:  # RFC 9457
        code, details = None, said.get("detail") or said.get("title")
    else:
        return None
    return _Refusal(_text(code), _text(details) or "", _text(request_id))


def _text(value: Any) -> str | None:
    return None if value in (None, "") else str(value)


def _meaning(status: int, refusal: _Refusal, asked: Asked) -> Meaning:
    code = refusal.code or ""
    if status == 429 or (status == 503 and code in {"", "503"}):
        return _THROTTLED
    if asked.by_password and code == "1":
        return API_BY_CODE["4120"]
    if code == "1" or (not code.isdecimal() and status == 401):
        return _not_authenticated(refusal.details)
    if code in API_BY_CODE and (asked.by_password or code != "4120"):
        return API_BY_CODE[code]
    return family_of(code) or _by_status(status)


def _by_status(status: int) -> Meaning:
    if status >= 500:
        return _SERVER
    return {401: _REFUSED, 403: _FORBIDDEN, 404: _NO_SUCH_THING, 409: _CONFLICT}.get(status, _OTHER)


def _not_authenticated(details: str) -> Meaning:
    words = details.lower()
    if "expired" in words:
        return _EXPIRED
    return _INACTIVE if "inactive" in words else API_BY_CODE["1"]
