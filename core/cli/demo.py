"""`onboarding demo …`"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer

from core.cli.input import BAD_INPUT
from core.cli.output import BROKEN, Json, as_json, fail, plain
from core.sandbox.free_ports import neighbours

app = typer.Typer(no_args_is_help=True)

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_PREFIX = "ONBOARDING_"
_START_SECONDS = 120
_FIRST_PORT, _LAST_PORT = 21_000, 25_000
_PORTS = 5
"""The dashboard's, and the sandbox's four."""
_END_SECONDS = 30


@app.callback()
def group() -> None:
    """Show the product."""


@app.command()
def record(
    folder: Annotated[Path, typer.Argument(help="Folder for the pictures, made when missing; it must be empty.")],
    dark: Annotated[bool, typer.Option("--dark", help="In the dark theme.")] = False,
    home: Annotated[
        Path | None, typer.Option(help="Home folder to walk in, an empty one; a temporary one without it.")
    ] = None,
    json: Json = False,
) -> None:
    """Walk through the whole onboarding in Chromium, on a sandbox and a home of its own; leave a picture of each step.

    Exit 0: all pictures are there, 1: a step failed or an error was logged, 2: bad input, 3: no Playwright or no
    Chromium."""
    try:
        from core.cli.demo_walk import FailedError, walk  # noqa: PLC0415 - Playwright is for developers
    except ImportError:
        fail("Playwright is missing. Install it: pip install playwright", BROKEN)
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        fail(f"None of {', '.join(_BROWSERS)} is here. Install Chromium: apt-get install chromium", BROKEN)
    _make_empty(folder, "FOLDER")
    if home:
        _make_empty(home, "--home")
    began = time.monotonic()
    with ExitStack() as stack:
        where = home or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="onboarding-demo-")))
        where.chmod(0o700)
        try:
            with _started(where) as address:
                pictures = walk(address, browser, folder, dark=dark, say=plain if not json else lambda _: None)
        except FailedError as error:
            fail(str(error), 1)
        logged = errors_in(where / "logs")
    if logged:
        fail(f"The walk came to its end, but an error was logged: {logged[0]}", 1)
    seconds = time.monotonic() - began
    if json:
        as_json({"folder": str(folder), "pictures": pictures, "seconds": round(seconds, 1)})
    else:
        plain(f"{len(pictures)} pictures in {folder}, {seconds:.0f} s.")


def _make_empty(folder: Path, name: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            fail(f"{name}: {folder} is not empty. Name another one, or empty it.", BAD_INPUT)
    except OSError as error:
        fail(f"{name}: {folder} cannot be used: {error.strerror}.", BAD_INPUT)


@contextmanager
def _started(home: Path) -> Iterator[str]:
    """A sandbox and a dashboard of their own, whatever the settings are; gives the address."""
    port = neighbours(range(_FIRST_PORT + os.getpid() % 100 * _PORTS, _LAST_PORT, _PORTS), _PORTS)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_PREFIX)} | {
        f"{_PREFIX}HOME": str(home),
        f"{_PREFIX}PORT": str(port),
        f"{_PREFIX}SANDBOX_PORT": str(port + 1),
    }
    command = [sys.executable, "-c", "from core.cli import main; main()", "run"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:  # noqa: S603 # nosec B603
        address = f"http://127.0.0.1:{port}"
        try:
            _wait_for(process, address)
            yield address
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()  # its children end with it


def _wait_for(process: "subprocess.Popen[bytes]", address: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), urllib.request.urlopen(f"{address}/_stcore/health", timeout=2) as answer:  # noqa: S310 # nosec B310 - our own address
            if answer.status == 200:
                return
        time.sleep(0.2)
    fail("The dashboard did not start.", 1)


def errors_in(logs: Path) -> list[str]:
    """The lines of the logs of a folder that tell of an error."""
    lines = (line for path in sorted(logs.iterdir()) for line in path.read_text(errors="replace").splitlines())
    return [line for line in lines if " ERROR " in line or line.startswith("Traceback")]
