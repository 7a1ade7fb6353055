"""The access token of a sign-in goes to the provider, by no weaker way and nowhere else."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from pydantic import SecretStr

from core.services import provider
from core.services.provider import NoWord, userinfo
from core.settings import Settings

TOKEN = SecretStr("the access token")


class Elsewhere(ThreadingHTTPServer):
    """A provider whose userinfo leads away; it keeps what it was asked, and with which token."""

    asked: list[tuple[str, str | None]]


class Answers(BaseHTTPRequestHandler):
    server: Elsewhere

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers["Authorization"]))
        here = f"http://127.0.0.1:{self.server.server_port}"
        if self.path == "/userinfo":
            self.send_response(307)
            self.send_header("Location", f"{here.replace('127.0.0.1', 'localhost')}/elsewhere")
            self.end_headers()
            return
        told = {"userinfo_endpoint": f"{here}/userinfo"} if "well-known" in self.path else {"groups": ["cloud-admins"]}
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    server = Elsewhere(("127.0.0.1", 0), Answers)
    server.asked = []
    threading.Thread(target=server.serve_forever, args=[0.05], daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def settings(tmp_path, issuer: str) -> Settings:
    needed = {"oidc_client_id": "onboarding", "oidc_client_secret": SecretStr("s"), "oidc_roles": "a=administrator"}
    return Settings(home=tmp_path / "home", oidc_issuer=issuer, **needed)


def test_no_redirect_is_followed(tmp_path, elsewhere: Elsewhere) -> None:
    said = userinfo(settings(tmp_path, f"http://127.0.0.1:{elsewhere.server_port}"), TOKEN)
    assert said is NoWord.UNREACHABLE
    assert [path for path, _ in elsewhere.asked] == ["/.well-known/openid-configuration", "/userinfo"]


def test_the_token_does_not_leave_by_a_weaker_way(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json={"userinfo_endpoint": "http://sign-in.example/userinfo", "groups": ["a"]})

    monkeypatch.setattr(provider, "_client", lambda _: httpx.Client(transport=httpx.MockTransport(answer)))
    assert userinfo(settings(tmp_path, "https://sign-in.example"), TOKEN) is NoWord.UNREACHABLE
    assert asked == ["https://sign-in.example/.well-known/openid-configuration"]
