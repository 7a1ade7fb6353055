"""The OpenID Connect provider: what its userinfo endpoint says of a sign-in now."""

import ssl
import time
from collections.abc import Mapping
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from core.settings import Settings

_KEEP_SECONDS = 3600
_endpoints: dict[str, tuple[float, str]] = {}


class NoWord(Enum):
    """The provider tells nothing."""

    REFUSED = "refused"
    """It does not take the token, or not any more."""
    UNREACHABLE = "unreachable"
    """No answer, or none that can be understood: it says nothing about the sign-in."""


def userinfo(settings: Settings, token: SecretStr) -> Mapping[str, Any] | NoWord:
    """What the provider says now of the person whom it gave the access token."""
    try:
        with _client(settings) as client:
            endpoint = _endpoint(client, settings.oidc_metadata)
            answer = client.get(endpoint, headers={"Authorization": f"Bearer {token.get_secret_value()}"})
            if answer.status_code in {400, 401, 403}:
                return NoWord.REFUSED
            answer.raise_for_status()
            if "json" not in answer.headers.get("content-type", ""):
                return {}  # a signed answer: the sign-in counts, and no more is read from it
            said = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError, ValueError, KeyError):
        return NoWord.UNREACHABLE
    return said if isinstance(said, dict) else NoWord.UNREACHABLE


def _client(settings: Settings) -> httpx.Client:
    verify = ssl.create_default_context(cafile=str(settings.oidc_ca_file)) if settings.oidc_ca_file else True
    timeout = httpx.Timeout(settings.read_timeout, connect=settings.connect_timeout)
    return httpx.Client(verify=verify, timeout=timeout, follow_redirects=False)


def _endpoint(client: httpx.Client, metadata: str) -> str:
    kept, endpoint = _endpoints.get(metadata, (0.0, ""))
    if not endpoint or time.monotonic() - kept > _KEEP_SECONDS:
        answer = client.get(metadata)
        answer.raise_for_status()
        endpoint = str(answer.json()["userinfo_endpoint"])
        if urlsplit(endpoint).scheme != urlsplit(metadata).scheme:
            raise ValueError("the token must not leave by a weaker way")
        _endpoints[metadata] = (time.monotonic(), endpoint)
    return endpoint
