"""The calls that were made, for ReadApiLogs: one line of JSON each, in a file of mode 0600."""

import contextlib
import os
from collections import deque
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ValidationError

from core.sandbox.world import write_private

KEPT = timedelta(days=32)
"""Past logs are accessible for up to 32 days (ReadApiLogs)."""
MOST = 20_000


class LogLine(BaseModel):
    """One call. Neither its headers nor its body are kept: both may hold secrets."""

    account_id: str
    access_key: str
    call: str
    version: str
    at: datetime
    address: str
    agent: str
    header_size: int
    payload_size: int
    status: int
    microseconds: int
    request_id: str
    size: int


class ApiLog:
    """The log of one sandbox, in memory and on disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None
        oldest = datetime.now(UTC) - KEPT
        kept = [line for line in _read(path) if line.at >= oldest][-MOST:]
        self._lines: deque[LogLine] = deque(kept, maxlen=MOST)
        write_private(path, "".join(f"{line.model_dump_json()}\n" for line in kept))

    def add(self, line: LogLine) -> None:
        """Keep a call."""
        self._lines.append(line)
        if self._file is None:
            self._file = os.fdopen(os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a", buffering=1)
        self._file.write(f"{line.model_dump_json()}\n")

    def of(self, account_id: str) -> list[LogLine]:
        """The calls of an account, the newest first."""
        oldest = datetime.now(UTC) - KEPT
        return [line for line in reversed(self._lines) if line.account_id == account_id and line.at >= oldest]

    def clear(self) -> None:
        """Forget all."""
        self.close()
        self._lines.clear()
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let the file go."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _read(path: Path) -> list[LogLine]:
    lines = []
    with contextlib.suppress(OSError):
        for text in path.read_text().splitlines():
            with contextlib.suppress(ValidationError):  # a line that a crash cut
                lines.append(LogLine.model_validate_json(text))
    return lines
