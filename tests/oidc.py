"""A local OpenID Connect provider that people sign in at: `oidc-provider-mock`, which can also be made to lie."""

import json
import secrets
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import flask
import httpx
import oidc_provider_mock
import werkzeug.serving
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

PEOPLE = {
    "ada": {"preferred_username": "ada", "name": "Ada", "groups": ["cloud-admins"]},
    "otto": {"preferred_username": "otto", "name": "Otto", "groups": ["cloud-ops"]},
    "fiona": {"preferred_username": "fiona", "name": "Fiona", "groups": ["finance"]},
    "petra": {"preferred_username": "petra", "name": "Petra", "groups": ["sales"]},
    "axel": {"preferred_username": "axel", "name": "Axel", "groups": ["revision"]},
    "nina": {"preferred_username": "nina", "name": "Nina", "groups": ["kitchen"]},
}
ROLES = {
    "cloud-admins": "administrator",
    "cloud-ops": "operator",
    "finance": "finance",
    "sales": "presenter",
    "revision": "auditor",
}
ROLE_OF = {name: ROLES.get(str(claims["groups"][0])) for name, claims in PEOPLE.items()}

Lie = Callable[[dict[str, Any], RSAKey], tuple[dict[str, Any], RSAKey]]
"""Given an ID token's claims and the provider's key, what to hand out instead."""


def forged(claims: dict[str, Any], _key: RSAKey) -> tuple[dict[str, Any], RSAKey]:
    """Signed by somebody else, who calls the key by the provider's name for its own."""
    return claims, RSAKey.generate_key(parameters={"kid": _key.kid} if _key.kid else None)


def expired(claims: dict[str, Any], key: RSAKey) -> tuple[dict[str, Any], RSAKey]:
    return claims | {"iat": int(time.time()) - 7200, "exp": int(time.time()) - 3600}, key


def proved_long_ago(claims: dict[str, Any], key: RSAKey) -> tuple[dict[str, Any], RSAKey]:
    """Of somebody whom single sign-on let in, and who showed who they are an hour ago."""
    return claims | {"auth_time": int(time.time()) - 3600}, key


def replayed(claims: dict[str, Any], key: RSAKey) -> tuple[dict[str, Any], RSAKey]:
    """A good token of another sign-in."""
    return claims | {"nonce": "of-another-sign-in"}, key


def for_another(claims: dict[str, Any], key: RSAKey) -> tuple[dict[str, Any], RSAKey]:
    return claims | {"aud": ["another-program"]}, key


def for_another_by_us(claims: dict[str, Any], key: RSAKey) -> tuple[dict[str, Any], RSAKey]:
    """Meant for another program, though it names us as who asked for it."""
    return claims | {"aud": ["another-program"], "azp": "onboarding"}, key


class Provider:
    """A running provider. `lie`, when set, changes the ID tokens that it hands out."""

    def __init__(self) -> None:
        self.lie: Lie | None = None
        self._app = oidc_provider_mock.app(require_nonce=True)
        self._app.after_request(self._token)
        self._port = 0
        self._server: werkzeug.serving.BaseWSGIServer | None = None
        self.start()
        for name, claims in PEOPLE.items():
            self.set_person(name, **claims)

    @property
    def issuer(self) -> str:
        return f"http://localhost:{self._port}"

    def environment(self, **more: str) -> dict[str, str]:
        """The settings of a dashboard whose people sign in here."""
        return {
            "ONBOARDING_OIDC_ISSUER": self.issuer,
            "ONBOARDING_OIDC_CLIENT_ID": "onboarding",
            "ONBOARDING_OIDC_CLIENT_SECRET": "of-the-provider",  # pragma: allowlist secret - made up
            "ONBOARDING_OIDC_ROLES": ",".join(f"{group}={role}" for group, role in ROLES.items()),
        } | more

    def start(self) -> None:
        """Listen; after a stop, at the same port."""
        self._server = werkzeug.serving.make_server("localhost", self._port, self._app, threaded=True)
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True).start()

    def stop(self) -> None:
        """Answer nobody any more."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def sign_in(self, who: str) -> tuple[dict[str, Any], str]:
        """What a person's sign-in leaves: the claims of the ID token, and the access token."""
        asked = {
            "response_type": "code",
            "client_id": "onboarding",
            "redirect_uri": "http://127.0.0.1/oauth2callback",
            "scope": "openid email profile",
            "state": "s",
            "nonce": secrets.token_hex(8),
        }
        answer = httpx.post(f"{self.issuer}/oauth2/authorize", params=asked, data={"sub": who})
        code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
        taken = {"grant_type": "authorization_code", "code": code, "redirect_uri": asked["redirect_uri"]}
        told = httpx.post(f"{self.issuer}/oauth2/token", data=taken, auth=("onboarding", "any")).json()
        keys = KeySet.import_key_set(httpx.get(f"{self.issuer}/jwks").json())
        return dict(jwt.decode(told["id_token"], keys).claims), told["access_token"]

    def set_person(self, who: str, /, **claims: Any) -> None:
        """Change what is told of a person."""
        answer = self._app.test_client().put(f"/users/{who}", json=claims)
        assert answer.status_code == 204, answer.text

    def revoke(self, name: str) -> None:
        """Take a person's tokens back."""
        assert self._app.test_client().post(f"/users/{name}/revoke-tokens").status_code == 204

    def _token(self, response: flask.Response) -> flask.Response:
        if self.lie is None or flask.request.path != "/oauth2/token" or response.status_code != 200:
            return response
        storage = flask.g.oidc_provider_mock_storage
        key = RSAKey.import_key(storage.jwk.as_dict(is_private=True))
        told = response.get_json()
        token = jwt.decode(told["id_token"], key)
        claims, key = self.lie(dict(token.claims), key)
        told["id_token"] = jwt.encode(dict(token.header), claims, key)
        response.set_data(json.dumps(told))
        return response
