"""Refusals as the OUTSCALE API sends them: code, type and HTTP status (OUTSCALE API documentation, API Errors;
`gateway_errors.yaml` of the SDK)."""

from typing import Any

_SIGN_IN: dict[int, tuple[int, str]] = {
    0: (400, "DefaultError"),
    1: (401, "AccessDenied"),
    5: (401, "AccessDenied"),
    8: (403, "WrongAuthenticationMethod"),
    9: (401, "AuthFailure"),
    10: (403, "MissingLoginPassword"),
    12: (401, "AccessDenied"),
    13: (401, "AccessDenied"),
    14: (401, "AccessDenied"),
    15: (401, "AccessDenied"),
    20: (401, "PasswordExpired"),
    24: (429, "AccessDenied"),
}
_THOUSANDS: dict[int, tuple[int, str]] = {
    2: (500, "InternalError"),
    3: (400, "InvalidParameter"),
    4: (400, "InvalidParameterValue"),
    5: (400, "InvalidResource"),
    6: (409, "InvalidState"),
    7: (400, "MissingParameter"),
    9: (409, "ResourceConflict"),
    10: (400, "TooManyResources (QuotaExceded)"),  # OUTSCALE's own spelling
    11: (401, "AccessDenied"),
    12: (400, "InvalidAction"),
}

NOT_IMPLEMENTED = 0
WRONG_SIGNATURE = 1
NOT_AUTHORIZED = 5
PASSWORD_NOT_ALLOWED = 9
MISSING_PASSWORD = 10
UNKNOWN_SCHEME = 12
LOCKED = 13
ACCESS_RULES = 14
CLOCK = 15
PASSWORD_EXPIRED = 20
THROTTLED = 24
INTERNAL = 2000
UNKNOWN_FIELD = 3001
NOT_JSON = 3002
TOO_LARGE = 3002
CONTENT_TYPE = 3010
BAD_VALUE = 4047
BAD_TYPE = 4108
BAD_ACCOUNT_VALUE = 4118
WRONG_PASSWORD = 4120
NO_SUCH_KEY_TO_UPDATE = 4122
BAD_KEY_VALUE = 4123
NO_SUCH_KEYPAIR = 5071
NO_SUCH_USER = 5075
NO_SUCH_KEY = 5076
BAD_KEY_STATE = 6003
MISSING = 7000
DUPLICATE_KEYPAIR = 9011
DUPLICATE_USER = 9022
DUPLICATE_EMAIL = 9073
TOO_MANY_KEYS = 10005
NOT_ACTIVE = 11001
NO_SUCH_CALL = 12000


class RefusedError(Exception):
    """The call is refused. `code` is OUTSCALE's; status and type follow from it. `details` is for people and holds no
    secret."""

    def __init__(self, code: int, details: str = "") -> None:
        self.code = code
        self.details = details
        self.status, self.type = _SIGN_IN[code] if code < 1000 else _THOUSANDS[code // 1000]
        super().__init__(f"{code} {details}")

    def body(self, request_id: str) -> dict[str, Any]:
        """The answer's JSON, an `ErrorResponse`."""
        return {
            "Errors": [{"Code": str(self.code), "Type": self.type, "Details": self.details}],
            "ResponseContext": {"RequestId": request_id},
        }
