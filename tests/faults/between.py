"""Something between the program and the sandbox's API that lets one call go wrong, as a real network does."""

import http.client
import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Literal
from urllib.parse import urlsplit

from core.settings import Settings
from tests.clients.listeners import Listener

Fate = Literal["cut before", "cut after", "throttled", "passed"]


class Between(Listener):
    """Passes requests on to the API of a Region as they are, except those of one call: the connection is cut before the
    API gets them, or after it has answered; or the API says that it is too much. `then` is done when such a one comes.

    `calls` are the names of the calls that came."""

    def __init__(self, api: str, call: str, fate: Fate, then: Callable[[], None] = lambda: None) -> None:
        super().__init__(_Handler, None)
        self.api, self.call, self.fate, self.then = urlsplit(api), call, fate, then
        self.calls: list[str] = []

    def stand_before(self, settings: Settings, region: str) -> None:
        """Be the address of the Region for everybody with these settings."""
        content = json.loads(settings.sandbox_file.read_text())
        for one in content["regions"]:
            if one["name"] == region:
                one["api"] = f"http://127.0.0.1:{self.port}{self.api.path}"
        settings.sandbox_file.unlink()  # a link to the sandbox's own
        settings.sandbox_file.write_text(json.dumps(content))


class _Handler(BaseHTTPRequestHandler):
    server: Between

    def do_POST(self) -> None:
        name = self.path.rpartition("/")[2]
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.calls.append(name)
        fate = self.server.fate if name == self.server.call else "passed"
        if name == self.server.call:
            self.server.then()
        if fate == "throttled":
            error = {"Code": "24", "Type": "TooManyRequests", "Details": ""}
            self._answer(429, json.dumps({"Errors": [error]}).encode())
        if fate in ("cut before", "throttled"):
            return
        upstream = http.client.HTTPConnection(self.server.api.hostname or "", self.server.api.port, timeout=20)
        upstream.request("POST", self.path, body, dict(self.headers.items()))  # signed: with the Host that was signed
        answer = upstream.getresponse()
        content = answer.read()
        upstream.close()
        if fate == "passed":
            self._answer(answer.status, content)

    def _answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing: the tests look at `calls`."""
