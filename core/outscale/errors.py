"""One error type for everything that OUTSCALE, or the way to it, answers."""

from enum import StrEnum


class Trouble(StrEnum):
    """What went wrong, told apart as far as the answer allows. Codes: facts, section 4."""

    # On the way: the service was not reached from here.
    NOT_ALLOWED = "not_allowed"  # this program may not connect there: core/domain/hosts.py
    NAME = "name"  # a host name that does not resolve
    CONNECTION = "connection"  # refused, reset, no route
    TIMEOUT = "timeout"
    TLS = "tls"  # certificate not trusted, or not TLS at all
    PROXY_NAME = "proxy_name"
    PROXY_CONNECTION = "proxy_connection"
    PROXY_SIGN_IN = "proxy_sign_in"  # 407
    PROXY_IS_HTTP = "proxy_is_http"  # "this proxy speaks http, not https"
    PROXY_TLS = "proxy_tls"
    PROXY_REFUSED = "proxy_refused"  # the proxy will not open the tunnel (403, 502 …)
    NOT_JSON = "not_json"  # a page instead of an answer: captive portal, wrong address
    SERVER = "server"  # 5xx
    THROTTLED = "throttled"  # codes 24, 25 (429), 6 (503); SlowDown
    # Refused for who is asking.
    AUTHENTICATION = "authentication"  # code 1; SignatureDoesNotMatch and InvalidAccessKeyId say more
    SIGNATURE = "signature"  # object storage: SignatureDoesNotMatch
    UNKNOWN_KEY = "unknown_key"  # object storage: InvalidAccessKeyId
    INACTIVE_KEY = "inactive_key"  # the answer says so itself
    EXPIRED_KEY = "expired_key"  # the answer says so itself
    CLOCK = "clock"  # code 15; RequestTimeTooSkewed
    ACCESS_RULE = "access_rule"  # code 14
    LOCKED = "locked"  # codes 11, 13
    PASSWORD_EXPIRED = "password_expired"  # noqa: S105  # pragma: allowlist secret - code 20
    WRONG_METHOD = "wrong_method"  # codes 8, 9, 10, 12: password where a signature is needed, or the reverse
    FORBIDDEN = "forbidden"  # codes 4, 5, 7; AccessDenied
    # Refused for what was asked.
    NOT_FOUND = "not_found"  # NoSuchBucket, NoSuchKey, 404
    CONFLICT = "conflict"  # 409
    QUOTA = "quota"  # 10xxx
    INVALID = "invalid"  # 3xxx, 4xxx, 5xxx, 7xxx …
    UNKNOWN = "unknown"


ON_THE_WAY = frozenset(
    {
        Trouble.NOT_ALLOWED,
        Trouble.NAME,
        Trouble.CONNECTION,
        Trouble.TIMEOUT,
        Trouble.TLS,
        Trouble.PROXY_NAME,
        Trouble.PROXY_CONNECTION,
        Trouble.PROXY_SIGN_IN,
        Trouble.PROXY_IS_HTTP,
        Trouble.PROXY_TLS,
        Trouble.PROXY_REFUSED,
        Trouble.NOT_JSON,
        Trouble.SERVER,
        Trouble.THROTTLED,
    }
)
"""Troubles that say nothing about the credentials: the same keys may work from elsewhere or later."""


class OutscaleError(Exception):
    """A call that did not succeed. Carries what a person needs, and never a secret.

    trouble: what it is; what: what happened, one sentence; mend: what to do; code: OUTSCALE's or the storage's
    code, as text, if any; request_id: to quote to OUTSCALE's support, if any; details: the answer's own words;
    passing: True when the very same request may well succeed a moment later."""

    def __init__(
        self,
        trouble: Trouble,
        what: str,
        mend: str,
        *,
        code: str | None = None,
        request_id: str | None = None,
        details: str = "",
        passing: bool = False,
    ) -> None:
        self.trouble = trouble
        self.what = what
        self.mend = mend
        self.code = code
        self.request_id = request_id
        self.details = details
        self.passing = passing
        super().__init__(self.what + (f" (code {code})" if code else ""))

    @property
    def on_the_way(self) -> bool:
        """True when the service was not reached, so that the credentials are neither right nor wrong."""
        return self.trouble in ON_THE_WAY

    def without(self, secret: str) -> "OutscaleError":
        """The same error with `secret` masked wherever an answer repeated it."""
        return OutscaleError(
            self.trouble,
            self.what.replace(secret, "***"),
            self.mend.replace(secret, "***"),
            code=self.code.replace(secret, "***") if self.code else None,
            request_id=self.request_id,
            details=self.details.replace(secret, "***"),
            passing=self.passing,
        )
