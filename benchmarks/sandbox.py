"""A sandbox of its own for a benchmark."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from core.outscale.regions import load_regions
from core.settings import Settings


def free_ports(count: int) -> int:
    """The first of `count` neighbouring free ports of the loopback address."""
    for first in range(21_000, 60_000, count):
        with ExitStack() as stack:
            try:
                for port in range(first, first + count):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
    raise RuntimeError("no free ports")


@contextmanager
def started(home: Path) -> Iterator[Settings]:
    """Start a sandbox in `home`, give its settings, and end it."""
    settings = Settings(home=home, sandbox_port=free_ports(4))
    environment = os.environ | {"ONBOARDING_HOME": str(home), "ONBOARDING_SANDBOX_PORT": str(settings.sandbox_port)}
    process = subprocess.Popen([sys.executable, "-m", "core.sandbox.cli"], env=environment, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while not any(region.sandbox for region in load_regions(settings).values()):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the sandbox did not start")
            time.sleep(0.2)
        yield settings
    finally:
        process.terminate()
        process.wait(30)
