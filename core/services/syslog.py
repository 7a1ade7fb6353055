"""A copy of every event to syslog: one line of JSON each, sent when the change is stored.

The copy stands where whoever can write into the database cannot reach, so it shows even what an older database hides
that was put into the place of the newer one. A syslog that does not answer never keeps a change from being done: what
was not sent is sent with a later event, and the log says so."""

import json
import logging
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Sequence
from functools import cache
from logging.handlers import SysLogHandler
from urllib.parse import urlsplit

from core.settings import Settings
from core.store.tables.audit import Event

PATIENCE_SECONDS = 2.0
PAUSE_SECONDS = 10.0
"""How long a syslog that did not answer is left alone, so that not every change waits for it."""
KEPT = 10_000
"""Lines that wait for a syslog that does not answer; the oldest are given up first."""
LONGEST = 8192
"""Bytes of a line; syslog servers cut or drop longer ones. A longer one goes without its details."""

_log = logging.getLogger(__name__)


def copy_events(settings: Settings, events: Sequence[Event]) -> None:
    """Send events that are stored. Never raises."""
    if settings.syslog and events:
        _copy(settings.syslog).send([(_line(event), event.outcome == "done") for event in events])


def _line(event: Event) -> str:
    names = ("actor", "via", "address", "action", "subject", "outcome", "details", "mac")
    told = {"number": event.number, "at": event.at.isoformat(), **{name: getattr(event, name) for name in names}}
    line = json.dumps(told)
    if len(line) > LONGEST:
        line = json.dumps(told | {"details": "left out: too long"})
    return line


class _Handler(SysLogHandler):
    """Python's own, with patience that ends, and errors that are raised."""

    append_nul = False

    def createSocket(self) -> None:  # noqa: N802 - named by the library
        """Open the way; a connection in the time that there is patience for."""
        if isinstance(self.address, str) or self.socktype != socket.SOCK_STREAM:
            super().createSocket()
            return
        self.unixsocket = False
        self.socket = socket.create_connection(self.address, timeout=PATIENCE_SECONDS)

    def emit(self, record: logging.LogRecord) -> None:
        """Send one line."""
        if self._peer_is_gone():
            self._drop()
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Forget the connection and raise what went wrong; called while that is handled."""
        self._drop()
        raise  # noqa: PLE0704

    def _peer_is_gone(self) -> bool:
        """A closed connection would swallow one line before it says so."""
        if self.socktype != socket.SOCK_STREAM or self.socket is None:
            return False
        return bool(select.select([self.socket], [], [], 0)[0])

    def _drop(self) -> None:
        if self.socket is not None:
            self.socket.close()
            self.socket = None  # type: ignore[assignment]  # as the library itself does


class _Copy:
    """The way to one syslog."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._waiting: deque[tuple[str, bool]] = deque(maxlen=KEPT)
        self._handler: _Handler | None = None
        self._not_before = 0.0

    def send(self, lines: list[tuple[str, bool]]) -> None:
        with self._lock:
            self._waiting.extend(lines)
            if time.monotonic() < self._not_before:
                return
            try:
                self._handler = self._handler or _opened(self._address)
                while self._waiting:
                    text, done = self._waiting[0]
                    level = logging.INFO if done else logging.WARNING
                    self._handler.emit(logging.LogRecord("audit", level, "", 0, text, None, None))
                    self._waiting.popleft()
            except (OSError, UnicodeError) as error:
                self._not_before = time.monotonic() + PAUSE_SECONDS
                _log.warning(
                    "%d events could not be copied to %s: %s. They are sent with the next one that can be.",
                    len(self._waiting),
                    self._address,
                    error,
                )


@cache
def _copy(address: str) -> _Copy:
    return _Copy(address)


def _opened(address: str) -> _Handler:
    parts = urlsplit(address)
    facility = SysLogHandler.LOG_AUTHPRIV
    if parts.scheme == "unix":
        handler = _Handler(parts.path, facility)
    else:
        kind = socket.SOCK_STREAM if parts.scheme == "tcp" else socket.SOCK_DGRAM
        handler = _Handler((parts.hostname or "", parts.port or 514), facility, kind)
    handler.ident = "onboarding: "
    if parts.scheme == "tcp":
        handler.setFormatter(logging.Formatter("%(message)s\n"))
    return handler
