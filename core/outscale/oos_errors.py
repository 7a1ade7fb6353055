"""What a refusal of the object storage means (S3 error codes), in the user's words."""

from typing import Any

from core.outscale.codes import STORAGE_BY_CODE, Meaning
from core.outscale.errors import OutscaleError, Trouble


def storage_error(answer: Any, region: str, bucket: str = "", key: str = "") -> OutscaleError:
    """The error of an answer of the storage, given as botocore parses it."""
    said, context = answer.get("Error", {}), answer.get("ResponseMetadata", {})
    code, details = str(said.get("Code") or ""), str(said.get("Message") or "")
    status = int(context.get("HTTPStatusCode") or 0)
    meaning = _meaning(code, status)
    trouble = meaning.trouble
    asked = f"the object {key} of the bucket {bucket}" if key else f"the bucket {bucket}" if bucket else "its buckets"
    asked = asked.removeprefix("the ") if trouble in (Trouble.NOT_FOUND, Trouble.CONFLICT) else asked
    return OutscaleError(
        trouble,
        meaning.what.format(region=region, bucket=bucket, asked=asked),
        meaning.mend,
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


def _meaning(code: str, status: int) -> Meaning:
    if code in STORAGE_BY_CODE:
        return STORAGE_BY_CODE[code]
    if status in (429, 503):
        return STORAGE_BY_CODE["SlowDown"]
    if status >= 500:
        return STORAGE_BY_CODE["InternalError"]
    return STORAGE_BY_CODE["OperationAborted" if status == 409 else "BadRequest"]
