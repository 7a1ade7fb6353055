"""Free ports, for a sandbox beside others.

Look below 32,768: from there on the system gives ports to outgoing connections, and may give one away between the look
and its use."""

import socket
from collections.abc import Iterable, Sequence
from contextlib import ExitStack

LOOPBACK = "127.0.0.1"


def neighbours(firsts: Iterable[int], count: int) -> int:
    """The first of `count` neighbouring free ports of the loopback address, looked for from each of `firsts` on.

    Raises OSError when there are none."""
    return all_free(range(first, first + count) for first in firsts)[0]


def all_free(choices: Iterable[Sequence[int]]) -> Sequence[int]:
    """The first of these choices whose ports of the loopback address are all free.

    Raises OSError when there is none."""
    for ports in choices:
        with ExitStack() as stack:
            try:
                for port in ports:
                    stack.enter_context(socket.socket()).bind((LOOPBACK, port))
            except OSError:
                continue
            return ports
    raise OSError("None of the ports that were looked for are free.")
