"""The object storage's refusals, in words. Codes: Amazon S3 API Reference, Error responses, which OOS follows."""

from typing import Any

from core.outscale.errors import OutscaleError, Trouble

_CODES: dict[str, Trouble] = {
    "SignatureDoesNotMatch": Trouble.SIGNATURE,
    "InvalidAccessKeyId": Trouble.UNKNOWN_KEY,
    "AccessDenied": Trouble.FORBIDDEN,
    "AllAccessDisabled": Trouble.FORBIDDEN,
    "403": Trouble.FORBIDDEN,
    "NoSuchBucket": Trouble.NOT_FOUND,
    "NoSuchKey": Trouble.NOT_FOUND,
    "404": Trouble.NOT_FOUND,
    "RequestTimeTooSkewed": Trouble.CLOCK,
    "SlowDown": Trouble.THROTTLED,
    "ServiceUnavailable": Trouble.SERVER,
    "InternalError": Trouble.SERVER,
}
_WORDS: dict[Trouble, tuple[str, str]] = {
    Trouble.SIGNATURE: (
        "The object storage refused the signature: the secret key does not belong to this access key.",
        "Paste both again from the key's creation window.",
    ),
    Trouble.UNKNOWN_KEY: (
        "The object storage knows no such active access key in this Region.",
        "Compare the key and the Region; look in Cockpit whether the key is ACTIVE.",
    ),
    Trouble.FORBIDDEN: (
        "The key may not open this.",
        "Ask the bucket's owner to grant it to the account of this key, or use another key.",
    ),
    Trouble.NOT_FOUND: (
        "The object storage has no such bucket or object in this Region.",
        "Compare the name and the Region.",
    ),
    Trouble.CLOCK: ("The object storage refused the time of the request.", "Set this machine's clock (NTP)."),
    Trouble.THROTTLED: ("The object storage had too many requests.", "Wait a minute, then try again."),
    Trouble.SERVER: ("The object storage has trouble of its own.", "Try again in some minutes."),
    Trouble.UNKNOWN: ("The object storage refused the request.", "Try again; if it stays, ask OUTSCALE's support."),
}


def refusal(response: Any) -> OutscaleError:
    """The error of an answer that is no success, as botocore parsed it."""
    error = response.get("Error", {})
    about = response.get("ResponseMetadata", {})
    code, status = str(error.get("Code", "")), int(about.get("HTTPStatusCode", 0))
    trouble = _CODES.get(code) or (Trouble.SERVER if status >= 500 else Trouble.UNKNOWN)
    what, mend = _WORDS[trouble]
    details = str(error.get("Message", ""))[:500]
    return OutscaleError(trouble, what, mend, code=code or None, request_id=about.get("RequestId"), details=details)
