"""Neighbouring free ports, for a sandbox beside others."""

import socket
from collections.abc import Iterable
from contextlib import ExitStack

from core.sandbox.info import LOOPBACK


def neighbours(firsts: Iterable[int], count: int) -> int:
    """The first of `count` neighbouring free ports of the loopback address, looked for from each of `firsts` on.

    Raises OSError when there are none."""
    for first in firsts:
        with ExitStack() as stack:
            try:
                for port in range(first, first + count):
                    stack.enter_context(socket.socket()).bind((LOOPBACK, port))
            except OSError:
                continue
            return first
    raise OSError(f"No {count} neighbouring ports are free.")
