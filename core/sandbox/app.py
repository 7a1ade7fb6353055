"""The API of one sandbox Region, as OUTSCALE answers it: Starlette routes, under /api/v1 and /api/latest."""

import asyncio
import json
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from core.sandbox.api_log import ApiLog, LogLine
from core.sandbox.asking import Asking
from core.sandbox.calls import CALLS
from core.sandbox.faults import Faults
from core.sandbox.guard import Caller, Guard
from core.sandbox.locks import Locks
from core.sandbox.refusals import (
    CONTENT_TYPE,
    INTERNAL,
    NO_SUCH_CALL,
    NOT_IMPLEMENTED,
    NOT_JSON,
    THROTTLED,
    TOO_LARGE,
    RefusedError,
)
from core.sandbox.signature import Received
from core.sandbox.spec import Spec
from core.sandbox.world import World, now

VERSIONS = ("v1", "latest")
_METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]
_MOST_BYTES = 1_000_000
_SLASHES = re.compile(b"/{2,}")
_PREFLIGHT = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET,OPTIONS,POST",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "86400",
}
_SIGN_IN_PAGE = "<!doctype html><html><title>Sign in</title><body><h1>Sign in to this network</h1></body></html>"


@dataclass
class Api:
    """What the API of one Region works on. `changed` is called after a call changed the world."""

    region: str
    world: World
    spec: Spec
    log: ApiLog
    faults: Faults
    endpoints: dict[str, str]
    changed: Callable[[], None]
    locks: Locks = field(default_factory=Locks)

    def __post_init__(self) -> None:
        self.guard = Guard(self.world, self.region, self.spec, self.faults, self.locks)

    def app(self, *more: BaseRoute) -> ASGIApp:
        """The Region's API as an application, with more routes outside of /api."""
        routes = [
            Route("/api", self._versions, methods=_METHODS),
            Route("/api/{version}", self._overview, methods=_METHODS),
            Route("/api/{version}/{call}", self._answer, methods=_METHODS),
            *more,
        ]
        return _Front(Starlette(routes=routes), self)

    async def _versions(self, request: Request) -> Response:
        """Which versions there are; needs no signature."""
        return _preflight(request) or JSONResponse({"Versions": list(VERSIONS)})

    async def _overview(self, request: Request) -> Response:
        """Which calls there are; needs no signature."""
        if request.path_params["version"] not in VERSIONS:
            return self._refused(RefusedError(NO_SUCH_CALL, "There is no such version."), str(uuid.uuid4()))
        overview = {"Version": "1", "Minor": self.spec.version, "Calls": self.spec.calls}
        return _preflight(request) or JSONResponse(overview)

    async def _answer(self, request: Request) -> Response:
        """Answer a call, and write it into the log of its account."""
        preflight = _preflight(request)
        if preflight:
            return preflight
        begun, moment, request_id, caller = time.perf_counter(), now(), str(uuid.uuid4()), Caller()
        try:
            received = await _received(request)
        except RefusedError as error:
            return self._refused(error, request_id)
        address = request.client.host if request.client else "127.0.0.1"
        try:
            body = self._called(request, received, address, moment + request.scope["skew"], caller)
            response: Response = JSONResponse(body | {"ResponseContext": {"RequestId": request_id}})
        except RefusedError as error:
            response = self._refused(error, request_id)
        if caller.account is not None:
            line = LogLine(
                account_id=caller.account.account_id,
                access_key=caller.access_key,
                call=request.path_params["call"],
                version=self.spec.version,
                at=moment,
                address=address,
                agent=received.header("user-agent"),
                header_size=sum(len(name) + len(value) + 4 for name, value in request.headers.raw),
                payload_size=len(received.body),
                status=response.status_code,
                microseconds=int((time.perf_counter() - begun) * 1e6),
                request_id=request_id,
                size=len(response.body),
            )
            self.log.add(line)
        return response

    def _called(
        self, request: Request, received: Received, address: str, moment: datetime, caller: Caller
    ) -> dict[str, Any]:
        name = request.path_params["call"]
        if request.method != "POST" or request.path_params["version"] not in VERSIONS or name not in self.spec.calls:
            raise RefusedError(NO_SUCH_CALL, f"There is no call {request.method} {name}.")
        self.guard.admit(name, received, address, moment, caller)
        parameters = _parameters(received)
        self.spec.check_request(name, parameters)
        if parameters.get("DryRun"):
            return {}
        if name not in CALLS:
            raise RefusedError(NOT_IMPLEMENTED, f"The sandbox answers {name} with DryRun=true only.")
        asking = Asking(
            self.world,
            self.region,
            self.log,
            moment,
            self.endpoints,
            self.guard.check_password,
            caller.account,
            caller.user,
        )
        answer = CALLS[name](asking, parameters)
        if asking.changed:
            self.changed()
        return answer

    @staticmethod
    def _refused(error: RefusedError, request_id: str) -> Response:
        return JSONResponse(error.body(request_id), status_code=error.status)

    async def out_of_order(self) -> Response | None:
        """The answer of a fault at work, in place of the real one; None when there is no such fault."""
        slow = self.faults.hit("slow", self.region)
        if slow:
            await asyncio.sleep(slow.seconds)
        if self.faults.hit("html", self.region):
            return HTMLResponse(_SIGN_IN_PAGE)
        for kind, code in (("throttled", THROTTLED), ("5xx", INTERNAL)):
            if self.faults.hit(kind, self.region):
                words = "Request rate exceeded." if code == THROTTLED else "Internal error."
                return self._refused(RefusedError(code, words), str(uuid.uuid4()))
        return None


class _Front:
    """Before the routes: faults, and the Date header, which a skewed clock moves."""

    def __init__(self, app: ASGIApp, api: Api) -> None:
        self._app = app
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # osc-cli asks for //api/latest/…, and signs one slash: SigV4 looks at the path without empty parts.
        scope["raw_path"] = _SLASHES.sub(b"/", scope["raw_path"])
        scope["path"] = _SLASHES.sub(b"/", scope["path"].encode()).decode()
        app, skew = self._app, timedelta()
        if scope["path"].startswith("/api"):
            if self._api.faults.hit("cut", self._api.region):
                await _cut(receive, send)
                return
            skew = self._api.faults.skew(self._api.region)
            scope["skew"] = skew
            app = await self._api.out_of_order() or app

        async def dated(message: Any) -> None:
            if message["type"] == "http.response.start":
                date = format_datetime(now() + skew, usegmt=True).encode()
                message = message | {"headers": [*message.get("headers", []), (b"date", date)]}
            await send(message)

        await app(scope, receive, dated)


async def _cut(receive: Receive, send: Send) -> None:
    """Close the connection without an answer. ASGI has no word for it: uvicorn's `send` belongs to the object that
    holds the connection."""
    # The body first: a connection that is closed with bytes unread is reset, and the client's error is another one.
    while (message := await receive())["type"] == "http.request" and message.get("more_body"):
        pass
    send.__self__.transport.close()  # type: ignore[attr-defined]
    while message["type"] != "http.disconnect":
        message = await receive()


def _preflight(request: Request) -> Response | None:
    return Response(status_code=204, headers=_PREFLIGHT) if request.method == "OPTIONS" else None


async def _received(request: Request) -> Received:
    headers: dict[str, list[str]] = {}
    for name, value in request.headers.items():
        headers.setdefault(name.lower(), []).append(value)
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BYTES:
            raise RefusedError(TOO_LARGE, "The body is too large.")
    path = request.scope["raw_path"].decode("latin-1")
    return Received(request.method, path, request.scope["query_string"].decode("latin-1"), headers, body)


def _parameters(received: Received) -> dict[str, Any]:
    kind = received.header("content-type").partition(";")[0].strip().lower()
    if kind and kind != "application/json":
        raise RefusedError(CONTENT_TYPE, "The Content-Type must be application/json.")
    try:
        parameters = json.loads(received.body or b"{}")
    except (ValueError, RecursionError):
        raise RefusedError(NOT_JSON, "The body is not JSON.") from None
    if not isinstance(parameters, dict):
        raise RefusedError(NOT_JSON, "The body is not a JSON object.")
    return parameters
