"""`onboarding run`: the sandbox and the dashboard as children of one process."""

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from core.cli.output import opened, plain
from core.outscale.regions import load_regions
from core.settings import Settings

_ROOT = Path(__file__).parents[2]
_START_SECONDS = 120
_PR_SET_PDEATHSIG = 1


class _StoppedError(Exception):
    """The user asked for the end."""


def run_all(settings: Settings) -> int:
    """Start the sandbox (unless settings say no) and the dashboard, print how to reach them, and wait. Every child
    ends with this process. Returns the exit code."""
    if settings.address_problem:
        plain(settings.address_problem, error=True)
        return 1
    with opened():
        pass  # a store or vault that cannot be used says so before anything starts
    if _taken(settings):
        plain(
            f"Port {settings.port} of {settings.address} is taken. Stop what uses it, or choose another one with "
            "ONBOARDING_PORT.",
            error=True,
        )
        return 1
    children: list[subprocess.Popen[bytes]] = []
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    try:
        if settings.sandbox and not _sandbox_runs(settings):
            plain("Starting the sandbox …")
            sandbox = _start([sys.executable, "-m", "core.sandbox.cli"], settings, "sandbox")
            children.append(sandbox)
            if not _wait_for_sandbox(settings, sandbox):
                plain("The sandbox did not start.", error=True)
                return 1
        dashboard = _start(
            [sys.executable, "-m", "dashboard.serve", "--server.port", str(settings.port)], settings, "dashboard"
        )
        children.append(dashboard)
        if not _wait_for_port(settings, dashboard):
            plain(f"The dashboard did not start; see {settings.logs / 'dashboard.out'}.", error=True)
            return 1
        _greet(settings)
        while all(child.poll() is None for child in children):
            time.sleep(0.3)
        plain("A part ended by itself; ending the others. See the logs in " + str(settings.logs), error=True)
        return 1
    except _StoppedError:
        plain("Stopping …")
        return 0
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _end(children)


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise _StoppedError


def _start(command: list[str], settings: Settings, name: str) -> subprocess.Popen[bytes]:
    settings.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
    shown = name == "sandbox"  # what keeps it from starting is one line for the user
    with (settings.logs / f"{name}.out").open("ab") as out:
        return subprocess.Popen(  # noqa: S603 - our own parts # nosec B603
            command,
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=None if shown else subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches this process alone, which ends its children in order
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - this process has no second thread
        )


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM) if sys.platform == "linux" else None


def _end(children: list[subprocess.Popen[bytes]]) -> None:
    for child in reversed(children):
        if child.poll() is None:
            child.terminate()
    deadline = time.monotonic() + 15
    for child in children:
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)


def _socket(settings: Settings) -> socket.socket:
    return socket.socket(socket.AF_INET6 if ":" in settings.address else socket.AF_INET)


def _taken(settings: Settings) -> bool:
    with _socket(settings) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.address, settings.port))
        except OSError:
            return True
    return False


def _sandbox_runs(settings: Settings) -> bool:
    return any(region.sandbox for region in load_regions(settings).values())


def _wait_for_sandbox(settings: Settings, child: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and child.poll() is None:
        if _sandbox_runs(settings):
            return True
        time.sleep(0.1)
    return False


def _wait_for_port(settings: Settings, child: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and child.poll() is None:
        with _socket(settings) as probe:
            if probe.connect_ex((settings.address, settings.port)) == 0:  # any address reaches this machine as well
                return True
        time.sleep(0.1)
    return False


def _greet(settings: Settings) -> None:
    if settings.sandbox_file.exists() and _sandbox_runs(settings):
        plain("\nDemo sign-ins of the sandbox (not secrets of any real account):")
        info = json.loads(settings.sandbox_file.read_text())
        for account in info["accounts"]:
            plain(f"  {account['region']}  account {account['account_id']}  {account['email']}  {account['password']}")
        plain(f"  Access keys, secret keys and billing buckets: {settings.sandbox_file}")
    plain(f"\nDashboard: {settings.browser_address}   (Ctrl-C ends it)")
    sys.stdout.flush()
