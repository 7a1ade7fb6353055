"""What a refusal of the OUTSCALE API means (documentation, OUTSCALE API Errors), in the user's words.

It is decided by the code, then by the HTTP status, never by the Type: throttling and a wrong password share one."""

import json
import re
from dataclasses import dataclass
from typing import Any

from core.outscale.errors import OutscaleError, Trouble

_ACTIVATE = "Activate it in Cockpit, or use another key."
_RENEW = "Create a new key and use that one."
_NTP = "Set this machine's clock (NTP): five minutes are the most."
_AGAIN = "Try again in a minute."
_SUPPORT = "Try again in a minute; when it lasts, look at status.outscale.com or write to support@outscale.com."


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


_Meaning = tuple[Trouble, str, str]
_OTHER_SIGN_IN = "The API does not take this kind of sign-in for the call {call}."
_FORBIDDEN: _Meaning = (
    Trouble.FORBIDDEN,
    "The sign-in was accepted, but it may not make the call {call}.",
    "Give the EIM user a policy that allows this call, or use a key of the root user.",
)
_NO_KEY: _Meaning = (Trouble.NOT_FOUND, "The account has no such access key.", "Read the list again.")

_BY_CODE: dict[str, _Meaning] = {
    "2": (Trouble.INVALID, "The API takes no such request.", "Check the Region's API address."),
    "4": _FORBIDDEN,
    "5": _FORBIDDEN,
    "7": _FORBIDDEN,
    "8": (Trouble.WRONG_METHOD, _OTHER_SIGN_IN, "Use an access key instead of a password, or the reverse."),
    "9": (Trouble.WRONG_METHOD, _OTHER_SIGN_IN, "Use an access key: a password is not enough for it."),
    "10": (Trouble.WRONG_METHOD, _OTHER_SIGN_IN, "Use the account's email and password."),
    "12": (Trouble.WRONG_METHOD, _OTHER_SIGN_IN, "Check what stands in between: it may change requests."),
    "11": (
        Trouble.LOCKED,
        "OUTSCALE has locked this sign-in after too many failures, without an end.",
        "Write to support@outscale.com to have it opened.",
    ),
    "14": (
        Trouble.ACCESS_RULE,
        "An API access rule of the account refuses this machine's address (or asks for a client certificate).",
        "Add the public address of this machine, or of the proxy, to the account's API access rules in Cockpit.",
    ),
    "15": (Trouble.CLOCK, "The API refused the time of the request: this machine's clock is off.", _NTP),
    "20": (
        Trouble.PASSWORD_EXPIRED,
        "The account's password has expired.",
        "Sign in to Cockpit, choose a new one, and use that.",
    ),
    "4122": _NO_KEY,
    "5075": (Trouble.NOT_FOUND, "The account has no such EIM user.", "Check the user's name."),
    "5076": _NO_KEY,
    "10005": (
        Trouble.QUOTA,
        "The account has as many access keys as it may have: 10 for each user.",
        "Delete one that nobody uses, then create the new one.",
    ),
    "11001": (
        Trouble.INVALID,
        "The account is not active: it is disabled, restricted or frozen.",
        "Write to support@outscale.com.",
    ),
    "12000": (
        Trouble.INVALID,
        "The API of {region} does not know the call {call}.",
        "Check the Region's API address.",
    ),
}

_BY_RANGE: tuple[tuple[range, Trouble, str, str], ...] = (
    (range(1000, 2000), Trouble.SERVER, "A service behind the API of {region} does not work.", _SUPPORT),
    (range(3000, 6000), Trouble.INVALID, "The API did not accept what was asked ({call}).", "Correct it."),
    (range(6000, 7000), Trouble.CONFLICT, "The API cannot do this now ({call}).", "Look at its present state first."),
    (range(7000, 8000), Trouble.INVALID, "The API misses something in what was asked ({call}).", "Fill it in."),
    (range(9000, 10000), Trouble.CONFLICT, "There is such a thing already ({call}).", "Choose another name."),
    (range(10000, 11000), Trouble.QUOTA, "The account's quota is used up ({call}).", "Ask OUTSCALE for more."),
)


def api_error(status: int, content_type: str, body: bytes, asked: Asked) -> OutscaleError:
    """The error of an answer that is not a success, or not an answer of the API at all."""
    refusal = _refusal(body)
    if refusal is None:
        return server_error(status, asked) if status >= 500 else not_json(status, content_type, asked)
    trouble, what, mend = _meaning(status, refusal, asked)
    return OutscaleError(
        trouble,
        what.format(call=asked.call, region=asked.region),
        mend,
        code=refusal.code or str(status),
        request_id=refusal.request_id,
        details=refusal.details,
        passing=trouble in {Trouble.THROTTLED, Trouble.SERVER},
    )


def server_error(status: int, asked: Asked) -> OutscaleError:
    """The error of a 5xx without words."""
    return OutscaleError(
        Trouble.SERVER, f"OUTSCALE's API of {asked.region} is out of order.", _SUPPORT, code=str(status), passing=True
    )


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


def _meaning(status: int, refusal: _Refusal, asked: Asked) -> _Meaning:
    code = refusal.code or ""
    if code in {"6", "24", "25"} or status == 429 or (status == 503 and code in {"", "503"}):
        return Trouble.THROTTLED, "The API answered too many requests at once: it asks to wait.", _AGAIN
    if code == "13":
        return _locked_for_a_time(refusal.details)
    if asked.by_password and code in {"1", "4120"}:
        return _wrong_password()
    if code == "1" or (not code.isdecimal() and status == 401):
        return _not_authenticated(refusal.details)
    if code in _BY_CODE:
        return _BY_CODE[code]
    for numbers, trouble, what, mend in _BY_RANGE:
        if code.isdecimal() and int(code) in numbers:
            return trouble, _with_details(what, refusal.details), mend
    return _by_status(status, refusal.details)


def _by_status(status: int, details: str) -> _Meaning:
    if status >= 500:
        return Trouble.SERVER, "OUTSCALE's API of {region} is out of order.", _SUPPORT
    by_status = {
        401: (Trouble.AUTHENTICATION, "The API refused the sign-in.", "Check what was typed, then try once more."),
        403: _FORBIDDEN,
        404: (Trouble.NOT_FOUND, "There is no such thing ({call}).", "Read the list again."),
        409: (Trouble.CONFLICT, "The API cannot do this now ({call}).", "Look at its present state first."),
    }
    other = (Trouble.UNKNOWN, "The API refused the call {call}.", "Write to support@outscale.com with the request ID.")
    trouble, what, mend = by_status.get(status, other)
    return trouble, _with_details(what, details), mend


def _not_authenticated(details: str) -> _Meaning:
    words = details.lower()
    if "expired" in words:
        return Trouble.EXPIRED_KEY, "The access key has expired.", _RENEW
    if "inactive" in words:
        return Trouble.INACTIVE_KEY, "The access key is INACTIVE.", _ACTIVATE
    return (
        Trouble.AUTHENTICATION,
        "The API of {region} refused the signature: it knows no such access key, or the secret key is not its own.",
        "Paste both again from the key's creation window, and check that the Region is the account's.",
    )


def _wrong_password() -> _Meaning:
    return (
        Trouble.AUTHENTICATION,
        "The email or the password is not right, or the account is of another Region than {region}.",
        "Type both again, carefully: after four failures OUTSCALE locks the sign-in for a minute.",
    )


def _locked_for_a_time(details: str) -> _Meaning:
    seconds = re.search(r"(\d+)\s*(?:s\b|sec)", details)
    wait = f"{seconds[1]} seconds" if seconds else "a minute (longer after more failures, ten minutes at most)"
    return (
        Trouble.LOCKED,
        f"OUTSCALE has locked this sign-in for {wait} after four failures in a row.",
        "Wait until then before you try again, and correct the key or the password first.",
    )


def _with_details(what: str, details: str) -> str:
    """The API's own words, where the code says too little. Braces are doubled: the whole is a format."""
    own = details.strip().rstrip(".").replace("{", "{{").replace("}", "}}")
    return f"{what.rstrip('.')}: {own}." if own else what
