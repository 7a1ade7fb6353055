"""The OUTSCALE API's refusals, in words. Codes: OUTSCALE API documentation, Errors, and `gateway_errors.yaml`, which
ships with the SDK; shapes: an `Errors` list, `__type`, or problem+json."""

from typing import Any

from core.outscale.errors import OutscaleError, Trouble

_CODES: dict[int, Trouble] = {
    1: Trouble.AUTHENTICATION,
    4: Trouble.FORBIDDEN,
    5: Trouble.FORBIDDEN,
    6: Trouble.THROTTLED,
    7: Trouble.FORBIDDEN,
    8: Trouble.WRONG_METHOD,
    9: Trouble.WRONG_METHOD,
    10: Trouble.WRONG_METHOD,
    11: Trouble.LOCKED,
    12: Trouble.WRONG_METHOD,
    13: Trouble.LOCKED,
    14: Trouble.ACCESS_RULE,
    15: Trouble.CLOCK,
    20: Trouble.PASSWORD_EXPIRED,
    24: Trouble.THROTTLED,
    25: Trouble.THROTTLED,
}
_WRONG_PASSWORD = 4120

_WORDS: dict[Trouble, tuple[str, str]] = {
    Trouble.AUTHENTICATION: (
        "OUTSCALE refused the signature: the access key is unknown, or the secret key does not belong to it.",
        "Paste both again from the key's creation window, and compare the Region.",
    ),
    Trouble.INACTIVE_KEY: ("The access key is INACTIVE.", "Activate it in Cockpit, or use another key."),
    Trouble.EXPIRED_KEY: ("The access key has expired.", "Create a new key."),
    Trouble.FORBIDDEN: (
        "The key may not make this call.",
        "Give its EIM user a policy that allows the call, or use a key of the root user.",
    ),
    Trouble.THROTTLED: ("OUTSCALE had too many requests from this account.", "Wait a minute, then try again."),
    Trouble.WRONG_METHOD: (
        "OUTSCALE does not take this way of signing in for this call.",
        "Use an access key where a signature is needed, the password where it is asked for.",
    ),
    Trouble.LOCKED: (
        "OUTSCALE has locked the account after too many refused sign-ins.",
        "Wait some minutes and try a single time; if it stays locked, ask OUTSCALE's support.",
    ),
    Trouble.ACCESS_RULE: (
        "An API access rule of this account refuses requests from this address.",
        "Have the account's API access rules allow this machine's (or the proxy's) public IP address.",
    ),
    Trouble.CLOCK: ("OUTSCALE refused the time of the request.", "Set this machine's clock (NTP)."),
    Trouble.PASSWORD_EXPIRED: ("The account's password has expired.", "Change it in Cockpit."),
    Trouble.SERVER: ("OUTSCALE has trouble of its own.", "Try again in some minutes."),
    Trouble.NOT_FOUND: ("OUTSCALE does not find what was asked for.", "Read the list again."),
    Trouble.CONFLICT: ("OUTSCALE has something of this name already.", "Choose another name."),
    Trouble.QUOTA: (
        "A limit of the account is reached, such as ten access keys a user.",
        "Delete what is no longer needed, or ask OUTSCALE's support for more.",
    ),
    Trouble.INVALID: ("OUTSCALE does not accept a value of this request.", "Correct it and try again."),
    Trouble.UNKNOWN: ("OUTSCALE refused the request.", "Try again; if it stays, ask OUTSCALE's support."),
}
_WRONG_PASSWORD_WORDS = (
    "OUTSCALE refused the sign-in: the email or the password is not right in this Region.",
    "Type the password again; four wrong ones lock the account for a while.",
)


def refusal(status: int, answer: Any, *, by_password: bool) -> OutscaleError:
    """The error of an answer that is no success. `answer` is its JSON; `by_password` chooses the words for a refused
    sign-in."""
    code, details, request_id = _read(answer)
    trouble = _trouble(status, code, details)
    what, mend = _WORDS[trouble]
    if by_password and (trouble is Trouble.AUTHENTICATION or code == _WRONG_PASSWORD):
        trouble = Trouble.AUTHENTICATION
        what, mend = _WRONG_PASSWORD_WORDS
    if details and trouble in {Trouble.LOCKED, Trouble.INVALID, Trouble.CONFLICT, Trouble.QUOTA, Trouble.UNKNOWN}:
        what = f"{what} OUTSCALE says: {details}"
    shown = None if code is None else str(code)
    return OutscaleError(trouble, what, mend, code=shown, request_id=request_id, details=details)


def _read(answer: Any) -> tuple[int | None, str, str | None]:
    if not isinstance(answer, dict):
        return None, "", None
    context = answer.get("ResponseContext")
    request_id = context.get("RequestId") if isinstance(context, dict) else answer.get("RequestId")
    errors = answer.get("Errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    code = first.get("Code", answer.get("code"))
    details = first.get("Details") or answer.get("detail") or answer.get("message") or answer.get("__type") or ""
    number = int(code) if isinstance(code, int | str) and str(code).isdigit() else None
    return number, str(details)[:500], str(request_id) if request_id else None


def _trouble(status: int, code: int | None, details: str) -> Trouble:
    if status == 429:
        return Trouble.THROTTLED
    if code == 1 and "inactive" in details.lower():
        return Trouble.INACTIVE_KEY
    if code == 1 and "expired" in details.lower():
        return Trouble.EXPIRED_KEY
    if code in _CODES:
        return _CODES[code]
    if status >= 500:
        return Trouble.THROTTLED if status == 503 and "throttl" in details.lower() else Trouble.SERVER
    if code is None:
        return {401: Trouble.AUTHENTICATION, 403: Trouble.FORBIDDEN, 404: Trouble.NOT_FOUND}.get(
            status, Trouble.UNKNOWN
        )
    if code in {5076, 4122}:  # an access key that is not there
        return Trouble.NOT_FOUND
    if code == 11001:  # an account that is not active
        return Trouble.LOCKED
    thousand = code // 1000
    return {9: Trouble.CONFLICT, 6: Trouble.CONFLICT, 10: Trouble.QUOTA}.get(thousand, Trouble.INVALID)
