"""`onboarding run`: one command starts everything, and its end ends everything."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil

from tests.conftest import free_ports

COMMAND = [Path(sys.executable).with_name("onboarding"), "run"]


def environment(home: Path, port: int) -> dict[str, str]:
    return os.environ | {
        "ONBOARDING_HOME": str(home),
        "ONBOARDING_PORT": str(port),
        "ONBOARDING_SANDBOX_PORT": str(free_ports(4)),
    }


def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        answer = subprocess.run(
            COMMAND, env=environment(tmp_path, port), capture_output=True, text=True, timeout=60, check=False
        )
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1
    assert f"Port {port} of 127.0.0.1 is taken" in answer.stderr


def test_ctrl_c_ends_every_child(tmp_path: Path) -> None:
    port = free_ports(1)
    process = subprocess.Popen(COMMAND, env=environment(tmp_path, port), stdout=subprocess.PIPE, text=True)
    try:
        said = ""
        for line in process.stdout:
            said += line
            if "Dashboard:" in line:
                break
        assert "Demo sign-ins" in said
        assert f"http://127.0.0.1:{port}" in said
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=20) as answer:
            assert answer.read() == b"ok"
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) >= 4  # the sandbox, its two storages, the dashboard
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        deadline = time.monotonic() + 10
        while any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children):
            assert time.monotonic() < deadline, [child for child in children if child.is_running()]
            time.sleep(0.1)
    finally:
        process.kill()
