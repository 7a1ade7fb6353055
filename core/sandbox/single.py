"""One sandbox a home folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from core.settings import Settings


class Busy(Exception):  # noqa: N818 - it is a finding
    """Another sandbox works on this home folder."""


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Hold the home folder's sandbox for this process; the system lets it go when the process ends, however it does.

    Raises Busy."""
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings.sandbox_state.mkdir(mode=0o700, exist_ok=True)
    file = os.open(settings.sandbox_state / "sandbox.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy from None
        yield
    finally:
        os.close(file)
