"""The sign-in provider as Streamlit is told of it, in memory alone: no file holds the client's secret."""

import os
import secrets
from pathlib import Path
from typing import Any

from core.domain.sign_in import AFRESH
from core.settings import Settings

COOKIE_KEY = "cookie.key"
"""File of the home folder that signs the browsers' cookies, so that a restart signs nobody out."""


class CookieKeyError(Exception):
    """The key of the cookies cannot be used. The text is one line for who runs the dashboard."""


def auth_section(settings: Settings) -> dict[str, Any]:
    """What Streamlit looks for in its secrets; nothing without a provider.

    Raises CookieKeyError."""
    if settings.oidc_issuer is None or settings.oidc_client_secret is None:
        return {}
    way: dict[str, Any] = {"scope": settings.oidc_scope, "timeout": settings.read_timeout}
    if settings.oidc_ca_file:
        way["verify"] = str(settings.oidc_ca_file)
    client = {
        "client_id": settings.oidc_client_id,
        "client_secret": settings.oidc_client_secret.get_secret_value(),
        "server_metadata_url": settings.oidc_metadata,
    }
    return {
        "auth": {
            "redirect_uri": f"{settings.browser_address}/oauth2callback",
            "cookie_secret": _cookie_key(settings.home / COOKIE_KEY),
            "expose_tokens": ["access"],
            **client,
            "client_kwargs": way,
            AFRESH: {**client, "client_kwargs": way | {"prompt": "login"}},
        }
    }


def _cookie_key(path: Path) -> str:
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
    except FileExistsError:
        pass
    except OSError as error:
        raise CookieKeyError(f"{path} cannot be written: {error.strerror}.") from None
    try:
        if path.stat().st_mode & 0o077:
            raise CookieKeyError(f"Others can read {path}. Run: chmod 600 {path}")
        key = path.read_text().strip()
    except OSError as error:
        raise CookieKeyError(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError:
        key = ""
    if len(key) < 64:
        raise CookieKeyError(f"{path} is damaged. Remove it and start again; everybody signs in anew then.")
    return key
