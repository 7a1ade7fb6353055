"""Start, restart, crash, reset: sandboxes of their own, as real processes."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import requests

from core.outscale.regions import load_regions
from core.sandbox import control
from core.sandbox.info import api_port, read_info
from core.sandbox.world import load_world
from core.settings import Settings
from tests.conftest import Sandbox, free_ports, start_sandbox
from tests.sandbox.conftest import Client, Spec, new_key

ONE_LINE = 1


def _root(sandbox: Sandbox, spec: Spec) -> Client:
    account = sandbox.account(2)
    return Client(sandbox, spec, account["region"], account["access_keys"][0])


def _again(settings: Settings) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {
        "ONBOARDING_HOME": str(settings.home),
        "ONBOARDING_SANDBOX_PORT": str(settings.sandbox_port),
    }
    command = [sys.executable, "-m", "core.sandbox.cli"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def _gone(processes: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=10)[1]


def _without_process(info: dict) -> dict:
    return {name: value for name, value in info.items() if name not in {"pid", "started", "control"}}


def test_state_survives_and_starts_over(own_home: Path, spec: Spec) -> None:
    one = start_sandbox(own_home)
    first = one.info
    children = psutil.Process(one.process.pid).children(recursive=True)
    try:
        root = _root(one, spec)
        root.ok("CreateUser", UserName="kept")
        key = new_key(root, "kept", Tag="kept")
        created = root.ok("CreateAccessKey")["AccessKey"]["AccessKeyId"]
        request_id = root.ok("ReadAccounts")["ResponseContext"]["RequestId"]
        control.set_fault(one.settings, "throttled", region="sandbox-east-1")
        # A second one of the same home says so and changes nothing.
        other = _again(one.settings)
        assert (other.returncode, other.stderr.count("\n")) == (1, ONE_LINE)
        assert "runs already" in other.stderr
    finally:
        assert one.stop() == 0
    assert _gone(children)
    assert read_info(one.settings) is None
    assert not any(region.sandbox for region in load_regions(one.settings).values())

    begun = time.monotonic()
    two = start_sandbox(own_home, one.settings.sandbox_port)
    assert time.monotonic() - begun < 10
    try:
        root = _root(two, spec)
        assert root.ok("ReadAccessKeys", UserName="kept")["AccessKeys"][0]["AccessKeyId"] == key.access_key_id
        assert created in [one["access_key_id"] for one in two.account(2)["access_keys"]]
        assert root.ok("ReadApiLogs", Filters={"RequestIds": [request_id]})["Logs"]
        assert control.status(two.settings)["faults"] == []  # faults end with the process
        # Starting over, while it runs.
        assert control.reset(two.settings)["running"]
        assert root("ReadAccessKeys", UserName="kept").code == "5075"
        assert _without_process(two.info) == _without_process(first)
        assert root.ok("ReadApiLogs")["Logs"][0]["QueryCallName"] == "ReadAccessKeys"
    finally:
        two.stop()
    # And while it does not.
    assert control.reset(two.settings) == {"running": False}
    assert load_world(two.settings.sandbox_state) is None


def test_after_a_crash_it_starts_again(own_home: Path, spec: Spec) -> None:
    one = start_sandbox(own_home)
    children = psutil.Process(one.process.pid).children(recursive=True)
    assert len(children) == 2
    user = "before-the-crash"
    _root(one, spec).ok("CreateUser", UserName=user)
    one.process.send_signal(signal.SIGKILL)
    one.process.wait(10)
    assert _gone(children)
    two = start_sandbox(own_home, one.settings.sandbox_port)
    try:
        assert user in [found["UserName"] for found in _root(two, spec).ok("ReadUsers")["Users"]]
    finally:
        two.stop()


def test_it_ends_when_a_storage_does(own_home: Path) -> None:
    one = start_sandbox(own_home)
    children = psutil.Process(one.process.pid).children(recursive=True)
    children[0].kill()
    assert one.process.wait(20) == 1
    assert _gone(children)


def test_ctrl_c_while_it_starts(own_home: Path) -> None:
    settings = Settings(home=own_home, sandbox_port=free_ports(4))
    environment = os.environ | {
        "ONBOARDING_HOME": str(own_home),
        "ONBOARDING_SANDBOX_PORT": str(settings.sandbox_port),
    }
    process = subprocess.Popen([sys.executable, "-m", "core.sandbox.cli"], env=environment, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 30
    while not (children := psutil.Process(process.pid).children()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    assert process.stderr
    assert process.stderr.read() == b""
    assert _gone(children)


@pytest.mark.parametrize("which", range(4))
def test_a_taken_port_is_one_line(own_home: Path, session_sandbox: Sandbox, which: int) -> None:
    """The session's sandbox holds four ports: start another one that wants one of them."""
    port = session_sandbox.settings.sandbox_port + which
    said = _again(Settings(home=own_home, sandbox_port=port))
    assert (said.returncode, said.stderr.count("\n"), said.stdout) == (1, ONE_LINE, "")
    assert "is taken" in said.stderr
    assert "ONBOARDING_SANDBOX_PORT" in said.stderr


def test_a_state_of_another_version_is_one_line(own_home: Path) -> None:
    settings = Settings(home=own_home, sandbox_port=free_ports(4))
    settings.sandbox_state.mkdir(parents=True)
    (settings.sandbox_state / "world.json").write_text('{"accounts": [{"surprise": 1}]}')
    said = _again(settings)
    assert (said.returncode, said.stderr.count("\n")) == (1, ONE_LINE)
    assert "onboarding sandbox reset" in said.stderr
    assert control.reset(settings) == {"running": False}
    assert not (settings.sandbox_state / "world.json").exists()


def test_the_file_has_the_promised_shape(sandbox: Sandbox) -> None:
    info, file = sandbox.info, sandbox.settings.sandbox_file
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {
        name: set(entry) for name, entry in (("regions", info["regions"][0]), ("accounts", info["accounts"][0]))
    } == {
        "regions": {"name", "label", "api", "oos"},
        "accounts": {"account_id", "region", "email", "password", "access_keys"},
    }
    assert all(region["api"].endswith("/api/v1") for region in info["regions"])
    assert info["billing"][0].keys() == {"account_id", "region", "access_key_id", "secret_key", "buckets"}
    assert all(bucket.keys() == {"name", "region"} for bucket in info["billing"][0]["buckets"])
    assert {region["region"] for region in info["billing"][0]["buckets"]} == {one["name"] for one in info["regions"]}
    assert set(info["special"]) == {"inactive", "expired", "expiring", "old", "platform", "reporting"}
    for key in info["special"].values():
        assert key.keys() == {"account_id", "region", "access_key_id", "secret_key"}
    password = info["accounts"][0]["password"]
    assert len(password) >= 17
    assert any(letter.isdigit() for letter in password) and any(letter.isupper() for letter in password)


def test_secrets_stay_where_they_belong(sandbox: Sandbox, spec: Spec) -> None:
    """In `sandbox.json` and the state's own files of mode 0600; in no log, and on no command line."""
    # pragma: allowlist nextline secret - made up
    _root(sandbox, spec)("CheckAuthentication", Login="someone@example.org", Password="a-password-that-was-typed")
    info = sandbox.info
    secrets = [key["secret_key"] for account in info["accounts"] for key in account["access_keys"]]
    secrets += [account["password"] for account in info["accounts"]] + [info["control"]["token"]]
    secrets += [key["secret_key"] for key in info["special"].values()] + ["a-password-that-was-typed"]
    state = sandbox.settings.sandbox_state
    for path in [state / "api-log.jsonl", *state.rglob("weed.log")]:
        text = path.read_text(errors="replace")
        assert not any(secret in text for secret in secrets), path
    for path in state.iterdir():
        if any(secret in path.read_text() for secret in secrets if path.is_file()):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    process = psutil.Process(sandbox.process.pid)
    for one in (process, *process.children(recursive=True)):
        words = " ".join(one.cmdline()) + json.dumps(one.environ())
        assert not any(secret in words for secret in secrets)


def test_it_listens_on_loopback_only(sandbox: Sandbox) -> None:
    process = psutil.Process(sandbox.process.pid)
    for one in (process, *process.children(recursive=True)):
        listening = [held for held in one.net_connections() if held.status == psutil.CONN_LISTEN]
        assert listening
        assert {held.laddr.ip for held in listening} == {"127.0.0.1"}


def test_an_answer_takes_milliseconds(sandbox: Sandbox) -> None:
    """Also on a connection that is kept: 40 ms each would be the system waiting for more to send."""
    url = f"http://127.0.0.1:{api_port(sandbox.settings, 'sandbox-west-1')}/api"
    with requests.Session() as session:
        begun = time.monotonic()
        assert all(session.post(url, timeout=5).status_code == 200 for _ in range(200))
        assert time.monotonic() - begun < 4
