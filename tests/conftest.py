"""One sandbox for all tests of a session: a real process with a home folder and ports of its own."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from core.sandbox import control
from core.sandbox.free_ports import neighbours
from core.sandbox.info import read_info
from core.settings import Settings
from core.store.store import Store

START_SECONDS = 120
APART = 8


@pytest.fixture(autouse=True)
def own_program() -> Iterator[None]:
    """AppTest leaves the script that it drew last as the program, which new processes of other tests would then run."""
    program = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = program


def _places() -> Iterator[int]:
    """Where free ports are looked for: each of several processes that test at once has a part of its own, and does not
    look twice at the same place soon: what was given may not be taken yet."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = 10_000 + worker % 4 * 1_200
    places = range(first, first + 1_200, APART)
    begin = os.getpid() % len(places)  # and so do other runs beside this one
    return cycle([*places[begin:], *places[:begin]])


PLACES = _places()


def free_ports(count: int) -> int:
    """The first of up to eight neighbouring free ports of the loopback address."""
    assert count <= APART
    return neighbours(PLACES, count)


@dataclass
class Sandbox:
    """A running sandbox. `settings` are its own; each test has others, with a home of its own."""

    settings: Settings
    process: "subprocess.Popen[bytes]"

    @property
    def info(self) -> dict[str, Any]:
        """`sandbox.json`, as it is now."""
        return json.loads(self.settings.sandbox_file.read_text())

    def region(self, name: str) -> dict[str, Any]:
        """A Region of `sandbox.json`."""
        return next(region for region in self.info["regions"] if region["name"] == name)

    def account(self, index: int) -> dict[str, Any]:
        """An account of `sandbox.json`: 0 in the West, 1 its sister in the East, 2 another one's, 3 the paying one."""
        return self.info["accounts"][index]

    def fault(self, kind: str, **options: Any) -> None:
        """Let a fault work until the end of the test: see `core.sandbox.control.set_fault`."""
        control.set_fault(self.settings, kind, **options)

    def clear(self) -> None:
        """End all faults and open all locks."""
        control.clear_faults(self.settings)

    def stop(self) -> int:
        """End the process as Ctrl-C does; its exit code."""
        self.process.terminate()
        return self.process.wait(30)


def start_sandbox(home: Path, port: int | None = None) -> Sandbox:
    """Start a sandbox and wait until it answers."""
    settings = Settings(home=home, sandbox_port=port or free_ports(4))
    environment = os.environ | {"ONBOARDING_HOME": str(home), "ONBOARDING_SANDBOX_PORT": str(settings.sandbox_port)}
    command = [sys.executable, "-m", "core.sandbox.cli"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + START_SECONDS
    while read_info(settings) is None:
        assert process.poll() is None, "the sandbox ended"
        assert time.monotonic() < deadline, "the sandbox did not start"
        time.sleep(0.05)
    return Sandbox(settings, process)


@pytest.fixture(scope="session")
def session_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The session's sandbox."""
    started = start_sandbox(tmp_path_factory.mktemp("sandbox-home"))
    yield started
    assert started.stop() == 0


@pytest.fixture
def sandbox(session_sandbox: Sandbox) -> Iterator[Sandbox]:
    """The session's sandbox; what a test broke in it works again after the test."""
    yield session_sandbox
    session_sandbox.clear()


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which nothing was stored yet. To make one takes longer than many a test."""
    path = tmp_path_factory.mktemp("empty") / "onboarding.db"
    Store(path).close()
    path.chmod(0o600)
    return path


@pytest.fixture
def settings(tmp_path: Path, sandbox: Sandbox, empty_database: Path) -> Settings:
    """Settings with a home in which nothing was stored, from which the session's sandbox is seen."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    shutil.copy(empty_database, home)
    (home / "sandbox.json").symlink_to(sandbox.settings.sandbox_file)  # it changes while the sandbox runs
    return Settings(home=home, sandbox_port=sandbox.settings.sandbox_port)


@pytest.fixture
def own(workspace: Any, sandbox: Sandbox) -> Iterator[Any]:
    """A bucket that a project's key owns; what a test puts there is taken away after it."""
    from tests.services.own_bucket import Own

    yield from _emptied(Own(workspace, sandbox))


@pytest.fixture
def bills(workspace: Any, sandbox: Sandbox) -> Iterator[Any]:
    """The same bucket, named by billing credentials."""
    from tests.services.own_bucket import Bills

    yield from _emptied(Bills(workspace, sandbox))


def _emptied(there: Any) -> Iterator[Any]:
    yield there
    for key in there.made:
        there.delete(key)
