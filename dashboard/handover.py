"""Files handed to the browser from the disk.

`st.download_button` holds a whole file in memory for as long as somebody looks at the screen. A file of the home folder
is offered instead at an address that nobody can guess, for an hour, and read from the disk as the browser takes it.
It is for the browser that asked: where people sign in, another person's browser does not get it."""

import secrets
import threading
from dataclasses import dataclass

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from core.services.fetched import KEEP, Fetched, drop
from dashboard.browsers import mark

_GONE = "This download is no longer here. Begin it again on the screen that you came from."
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    # The server would compress what it sends, and the browser could then not tell how much is still to come.
    "Content-Encoding": "identity",
}


@dataclass(frozen=True)
class Offer:
    """A file that waits to be saved. `address` is relative to the dashboard's own."""

    address: str
    name: str
    size: int


_offers: dict[str, tuple[Fetched, str]] = {}
"""What waits, and the mark of the browser that it is for."""


def offer(fetched: Fetched) -> Offer:
    """Offer a fetched file for an hour; then it is removed."""
    token = secrets.token_urlsafe(32)
    _offers[token] = (fetched, mark(st.context.cookies))
    timer = threading.Timer(KEEP.total_seconds(), _remove, [token])
    timer.daemon = True
    timer.start()
    return Offer(f"downloads/{token}", fetched.name, fetched.size)


def withdraw(offered: Offer) -> None:
    """Remove an offered file now."""
    _remove(offered.address.removeprefix("downloads/"))


def _remove(token: str) -> None:
    if offered := _offers.pop(token, None):
        drop(offered[0])


async def _hand_over(request: Request) -> Response:
    fetched, browser = _offers.get(request.path_params["token"], (None, ""))
    path = fetched.path if fetched else None
    another = not secrets.compare_digest(browser, mark(request.cookies))
    if fetched is None or path is None or another or not await run_in_threadpool(path.is_file):
        return PlainTextResponse(_GONE, 404)
    return FileResponse(path, filename=fetched.name, media_type="application/octet-stream", headers=_HEADERS)


ROUTE = Route("/downloads/{token}", _hand_over, methods=["GET"])
