"""Signatures of requests: OSC4-HMAC-SHA256 and AWS4-HMAC-SHA256 (OUTSCALE user guide, About Signatures of API
Requests), verified from the headers that the request itself says it signed."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote

from pydantic import SecretStr

from core.sandbox.refusals import MISSING_PASSWORD, UNKNOWN_SCHEME, WRONG_SIGNATURE, RefusedError

_SCHEMES = {"OSC4-HMAC-SHA256": "OSC4", "AWS4-HMAC-SHA256": "AWS4"}
_FIELDS = re.compile(r"(Credential|SignedHeaders|Signature)=([^,\s]+)")


_URL_SAFE = str.maketrans("-_", "+/")


@dataclass(frozen=True)
class Signed:
    """A signature as its Authorization header tells it. `scope` is date, Region, service and terminator."""

    scheme: str
    access_key_id: str
    scope: tuple[str, str, str, str]
    headers: tuple[str, ...]
    signature: str
    stamp: str


@dataclass(frozen=True)
class Password:
    """An email and password, as Basic authentication sends them."""

    email: str
    password: SecretStr
    stamp: str


@dataclass(frozen=True)
class Received:
    """What of a request takes part in its signature. `headers` have lower-case names."""

    method: str
    path: str
    query: str
    headers: Mapping[str, Sequence[str]]
    body: bytes

    def header(self, name: str) -> str:
        """A header's value, the empty text when it is not there."""
        return self.headers.get(name, [""])[0]


def read_authorization(received: Received) -> Signed | Password:
    """What the request says of who sent it. Nothing is verified here.

    Raises RefusedError when it says nothing, or nothing that can be read."""
    scheme, _, rest = received.header("authorization").partition(" ")
    if scheme in _SCHEMES:
        return _signed(scheme, rest, received)
    if scheme.lower() == "basic":
        return _password(rest, received)
    if scheme:
        raise RefusedError(UNKNOWN_SCHEME, "Unknown authorization type.")
    raise RefusedError(WRONG_SIGNATURE, "The request is not signed.")


def _signed(scheme: str, rest: str, received: Received) -> Signed:
    found = dict(_FIELDS.findall(rest))
    credential = found.get("Credential", "").split("/")
    headers = tuple(found.get("SignedHeaders", "").lower().split(";"))
    kind = _SCHEMES[scheme].lower()
    stamp = received.header("x-osc-date") or received.header("x-amz-date")
    dated = "x-osc-date" in headers or "x-amz-date" in headers
    if len(credential) != 5 or credential[4] != f"{kind}_request" or "host" not in headers or not dated:
        raise RefusedError(WRONG_SIGNATURE, "The Authorization header cannot be read.")
    scope = (credential[1], credential[2], credential[3], credential[4])
    return Signed(scheme, credential[0], scope, headers, found.get("Signature", ""), stamp)


def _password(rest: str, received: Received) -> Password:
    try:
        # osc-cli writes the URL-safe letters of Base64, other clients the usual ones.
        plain = base64.b64decode(rest.strip().translate(_URL_SAFE), validate=True)
        email, colon, password = plain.decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise RefusedError(WRONG_SIGNATURE, "The Authorization header cannot be read.") from None
    if not (email and colon and password):
        raise RefusedError(MISSING_PASSWORD, "The email or the password is missing.")
    return Password(email, SecretStr(password), received.header("x-osc-date") or received.header("x-amz-date"))


def stamp_time(stamp: str) -> datetime | None:
    """The time in an X-Osc-Date or X-Amz-Date header; None when it is none."""
    try:
        return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def is_right(signed: Signed, secret_key: SecretStr, region: str, received: Received) -> bool:
    """Whether this secret key made the signature, for this Region's API and this request. The Host header counts
    with and without its port, since OUTSCALE's own addresses have none and the SDK signs none."""
    day, scope_region, service, _ = signed.scope
    if (scope_region, service) != (region, "api") or signed.stamp[:8] != day:
        return False
    host = received.header("host")
    hosts = {host, host.rsplit(":", 1)[0]}
    key = _signing_key(signed, secret_key)
    return any(hmac.compare_digest(_signature(signed, key, received, one), signed.signature) for one in hosts)


def _signing_key(signed: Signed, secret_key: SecretStr) -> bytes:
    key = (_SCHEMES[signed.scheme] + secret_key.get_secret_value()).encode()
    for part in signed.scope:
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _signature(signed: Signed, key: bytes, received: Received, host: str) -> str:
    lines = [received.method, received.path, _canonical_query(received.query)]
    for name in signed.headers:
        values = [host] if name == "host" else received.headers.get(name, [])
        lines.append(f"{name}:" + ",".join(" ".join(value.split()) for value in values))
    lines += ["", ";".join(signed.headers), hashlib.sha256(received.body).hexdigest()]
    request = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    text = "\n".join([signed.scheme, signed.stamp, "/".join(signed.scope), request])
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _canonical_query(query: str) -> str:
    pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in parse_qsl(query, True))
    return "&".join(f"{name}={value}" for name, value in pairs)
