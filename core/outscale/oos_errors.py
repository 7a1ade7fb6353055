"""What a refusal of the object storage means (S3 error codes), in the user's words."""

from typing import Any

from core.outscale.errors import OutscaleError, Trouble

_AGAIN = "Try again in a minute."
_OWN = "Paste both again from the key's creation window."
_SUPPORT = "Try again in a minute; when it lasts, look at status.outscale.com or write to support@outscale.com."

_Meaning = tuple[Trouble, str, str]

_SIGNATURE: _Meaning = (
    Trouble.SIGNATURE,
    "The object storage refused the signature: the secret key does not belong to this access key.",
    "Paste both again from the key's creation window.",
)
_UNKNOWN_KEY: _Meaning = (
    Trouble.UNKNOWN_KEY,
    "The object storage of {region} knows no such active access key.",
    "Look for a missing or extra character, whether the key is ACTIVE, and whether the Region is its account's.",
)
_EXPIRED: _Meaning = (
    Trouble.EXPIRED_KEY,
    "The access key has expired.",
    "Create a new key and use that one.",
)
_CLOCK: _Meaning = (
    Trouble.CLOCK,
    "The object storage refused the time of the request: this machine's clock is off.",
    "Set this machine's clock (NTP): fifteen minutes are the most.",
)
_FORBIDDEN: _Meaning = (
    Trouble.FORBIDDEN,
    "The key is right, but may not read {what}.",
    "Ask the bucket's owner to let this account read it (bucket policy or ACL).",
)
_NO_BUCKET: _Meaning = (
    Trouble.NOT_FOUND,
    "There is no bucket {bucket} in {region}.",
    "Compare the name with the one you were given, and check its Region.",
)
_NO_OBJECT: _Meaning = (
    Trouble.NOT_FOUND,
    "There is no {what} in {region}.",
    "List the bucket again: it may be gone.",
)
_REPLACED: _Meaning = (
    Trouble.CONFLICT,
    "The object storage has another {what} now: it was replaced.",
    "Refresh the listing, then fetch it again.",
)
_BAD_NAME: _Meaning = (
    Trouble.INVALID,
    "No bucket can be named {bucket}.",
    "OUTSCALE allows 3 to 63 lowercase letters, digits and hyphens.",
)
_OTHER_REGION: _Meaning = (
    Trouble.INVALID,
    "The object storage is of another Region than {region}.",
    "Check the Region's oos address.",
)
_THROTTLED: _Meaning = (
    Trouble.THROTTLED,
    "The object storage answered too many requests at once: it asks to wait.",
    "Try again in a minute.",
)
_SERVER: _Meaning = (
    Trouble.SERVER,
    "OUTSCALE's object storage of {region} is out of order.",
    "Try again in a minute; when it lasts, look at status.outscale.com or write to support@outscale.com.",
)

_BY_CODE: dict[str, _Meaning] = {
    "SignatureDoesNotMatch": _SIGNATURE,
    "InvalidAccessKeyId": _UNKNOWN_KEY,
    "ExpiredToken": _EXPIRED,
    "RequestTimeTooSkewed": _CLOCK,
    "RequestExpired": _CLOCK,
    "AccessDenied": _FORBIDDEN,
    "AllAccessDisabled": _FORBIDDEN,
    "401": _FORBIDDEN,  # a refused HEAD has a status only
    "403": _FORBIDDEN,
    "NoSuchBucket": _NO_BUCKET,
    "NoSuchKey": _NO_OBJECT,
    "404": _NO_OBJECT,
    "PreconditionFailed": _REPLACED,  # asked for with If-Match
    "InvalidBucketName": _BAD_NAME,
    "AuthorizationHeaderMalformed": _OTHER_REGION,
    "SlowDown": _THROTTLED,
    "TooManyRequests": _THROTTLED,
    "RequestLimitExceeded": _THROTTLED,
    "Throttling": _THROTTLED,
    "ServiceUnavailable": _THROTTLED,
}


def storage_error(answer: Any, region: str, bucket: str = "", key: str = "") -> OutscaleError:
    """The error of an answer of the storage, given as botocore parses it."""
    said, context = answer.get("Error", {}), answer.get("ResponseMetadata", {})
    code, details = str(said.get("Code") or ""), str(said.get("Message") or "")
    status = int(context.get("HTTPStatusCode") or 0)
    trouble, what, mend = _meaning(code, status)
    asked = f"the object {key} of the bucket {bucket}" if key else f"the bucket {bucket}" if bucket else "its buckets"
    asked = asked.removeprefix("the ") if trouble in (Trouble.NOT_FOUND, Trouble.CONFLICT) else asked
    return OutscaleError(
        trouble,
        what.format(region=region, bucket=bucket, what=asked),
        mend,
        code=code or str(status),
        request_id=context.get("RequestId") or None,
        details=details,
        passing=trouble in {Trouble.THROTTLED, Trouble.SERVER},
    )


def not_storage(region: str, details: str) -> OutscaleError:
    """The error of an answer that is no answer of an object storage."""
    return OutscaleError(
        Trouble.NOT_JSON,
        f"Instead of the object storage of {region}, something else answered (a web page, perhaps).",
        "Something in between answers (a sign-in page of the network, a proxy), or the Region's address is wrong.",
        details=details,
    )


def _meaning(code: str, status: int) -> _Meaning:
    if code in _BY_CODE:
        return _BY_CODE[code]
    if status in (429, 503):
        return _THROTTLED
    if status >= 500:
        return _SERVER
    if status == 409:
        return Trouble.CONFLICT, "The object storage cannot do this now.", "Look at the bucket's present state first."
    return Trouble.INVALID, "The object storage did not accept what was asked.", "Write to support@outscale.com."
