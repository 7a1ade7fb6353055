"""The sandbox's control address, on loopback beside the first Region's API: faults, status, a fresh start, and requests
for accounts. Every request carries the token of `sandbox.json`."""

import hmac
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core.sandbox.faults import USUAL_SECONDS, Fault, Faults, Kind
from core.sandbox.requests import AccountAsked, answer_of, take, withdraw
from core.sandbox.world import World, now

Endpoint = Callable[[Request], Awaitable[Response]]


class FaultRequest(BaseModel):
    """A fault that is asked for."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    region: str | None = None
    seconds: float | None = Field(None, gt=-1e6, lt=1e6)
    count: int | None = Field(None, ge=1)
    account_id: str | None = None


class Control:
    """What the control address does. status: what the sandbox says of itself; clear, reset: end all faults and locks;
    start over; changed: called after a request for an account changed the world."""

    def __init__(
        self,
        token: SecretStr,
        faults: Faults,
        status: Callable[[], dict[str, Any]],
        clear: Callable[[], None],
        reset: Callable[[], Awaitable[None]],
        world: World,
        changed: Callable[[], None],
    ) -> None:
        self._token = token
        self._faults = faults
        self._status = status
        self._clear = clear
        self._reset = reset
        self._world = world
        self._changed = changed

    def routes(self) -> list[Route]:
        """The routes, for the application of one Region."""
        return [
            Route("/sandbox/status", self._guarded(self._read), methods=["GET"]),
            Route("/sandbox/faults", self._guarded(self._set), methods=["POST"]),
            Route("/sandbox/faults", self._guarded(self._end), methods=["DELETE"]),
            Route("/sandbox/reset", self._guarded(self._again), methods=["POST"]),
            Route("/sandbox/requests", self._guarded(self._ask), methods=["POST"]),
            Route("/sandbox/requests/{ticket}", self._guarded(self._answer), methods=["GET"]),
            Route("/sandbox/requests/{ticket}", self._guarded(self._withdraw), methods=["DELETE"]),
        ]

    def _guarded(self, endpoint: Endpoint) -> Endpoint:
        expected = f"Bearer {self._token.get_secret_value()}".encode()

        async def answer(request: Request) -> Response:
            if not hmac.compare_digest(request.headers.get("authorization", "").encode(), expected):
                return JSONResponse({"error": "The token is not the one of sandbox.json."}, status_code=401)
            return await endpoint(request)

        return answer

    async def _read(self, _request: Request) -> Response:
        return JSONResponse(self._status())

    async def _set(self, request: Request) -> Response:
        try:
            asked = FaultRequest.model_validate_json(await request.body())
        except ValidationError as error:
            return _wrong(error)
        seconds = USUAL_SECONDS.get(asked.kind, 0.0) if asked.seconds is None else asked.seconds
        self._faults.add(Fault(**asked.model_dump() | {"seconds": seconds}))
        return JSONResponse(self._status())

    async def _end(self, _request: Request) -> Response:
        self._clear()
        return JSONResponse(self._status())

    async def _again(self, _request: Request) -> Response:
        await self._reset()
        return JSONResponse(self._status())

    async def _ask(self, request: Request) -> Response:
        try:
            asked = AccountAsked.model_validate_json(await request.body())
        except ValidationError as error:
            return _wrong(error)
        ticket = take(self._world, asked, now())
        self._changed()
        return JSONResponse(answer_of(self._world, ticket.ticket))

    async def _answer(self, request: Request) -> Response:
        return JSONResponse(answer_of(self._world, request.path_params["ticket"]))

    async def _withdraw(self, request: Request) -> Response:
        withdraw(self._world, request.path_params["ticket"])
        self._changed()
        return JSONResponse({})


def _wrong(error: ValidationError) -> Response:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    field = f"{first['loc'][0]}: " if first["loc"] else ""
    return JSONResponse({"error": f"{field}{first['msg']}."}, status_code=400)
