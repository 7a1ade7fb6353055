"""A sandbox of its own for a benchmark."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.outscale.regions import load_regions
from core.settings import Settings
from tests.conftest import free_ports


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
