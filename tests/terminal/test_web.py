"""What the running server lets through, asked over the network; it is started from a folder that is not its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.conftest import free_ports

RUN = [Path(sys.executable).with_name("onboarding"), "run"]


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("elsewhere")
    port = free_ports(1)
    # What stands in a person's own settings of Streamlit must not open this server.
    environment = os.environ | {
        "ONBOARDING_HOME": str(folder / "home"),
        "STREAMLIT_SERVER_ADDRESS": "0.0.0.0",  # noqa: S104
        "STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION": "false",
        "STREAMLIT_SERVER_ENABLE_CORS": "false",
        "STREAMLIT_SERVER_ENABLE_STATIC_SERVING": "true",
        "STREAMLIT_SERVER_ENABLE_AGENT_API": "true",
        "STREAMLIT_SERVER_MAX_UPLOAD_SIZE": "200",
        "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "true",
    }
    command = [sys.executable, "-m", "dashboard.serve", "--server.port", str(port)]
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 90
    while True:
        assert process.poll() is None
        assert time.monotonic() < deadline
        try:
            assert httpx.get(f"http://127.0.0.1:{port}/_stcore/health").text == "ok"
            break
        except httpx.TransportError:
            time.sleep(0.2)
    yield port
    process.terminate()
    process.wait(20)


def opened(port: int, *, host: str = "127.0.0.1", origin: str | None = None) -> ClientConnection:
    return connect(
        f"ws://{host}:{port}/_stcore/stream",
        sock=socket.create_connection(("127.0.0.1", port)),
        origin=origin or f"http://{host}:{port}",
        subprotocols=["streamlit"],
    )


def first(port: int) -> Iterator[Any]:
    """What a new session is told first, while it is open."""
    with opened(port) as socket:
        socket.send(BackMsg(rerun_script={}).SerializeToString())
        while True:
            told = ForwardMsg()
            told.ParseFromString(socket.recv(30))
            if told.WhichOneof("type") == "new_session":
                yield told.new_session
                return


def upload(port: int, session: str, size: int, *, token: bool = True) -> int:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        client.get("/_stcore/health")
        headers = {"X-Xsrftoken": client.cookies["_streamlit_xsrf"]} if token else {}
        path = f"/_stcore/upload_file/{session}/a-file"
        return client.put(path, files={"file": ("a", bytes(size))}, headers=headers).status_code


def test_it_listens_at_the_loopback_address_alone(port: int) -> None:
    listening = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
    ours = [line.split()[1] for line in listening.splitlines() if f":{port:04X} " in line and line.split()[3] == "0A"]
    assert [address.partition(":")[0] for address in ours] == ["0100007F"]


def test_uploads_are_limited_and_need_the_token(port: int) -> None:
    session = first(port)
    told = next(session)
    assert upload(port, told.initialize.session_id, 1 << 20) == 204
    assert upload(port, told.initialize.session_id, 11 << 20) == 413
    assert upload(port, told.initialize.session_id, 1 << 10, token=False) == 403
    assert told.config.gather_usage_stats is False
    session.close()


@pytest.mark.parametrize("origin", ["http://evil.example", "https://evil.example:443", "null"])
def test_other_sites_open_no_session(port: int, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        opened(port, origin=origin)
    assert refused.value.response.status_code == 403


def test_no_site_gets_in_by_a_name_of_its_own_for_this_machine(port: int) -> None:
    with pytest.raises(InvalidStatus) as refused:
        opened(port, host="evil.example")
    assert refused.value.response.status_code == 403
    opened(port, host="localhost").close()


def test_other_sites_read_nothing_and_frame_nothing(port: int) -> None:
    for path in ("/", "/_stcore/health", "/_stcore/host-config", "/downloads/none"):
        answer = httpx.get(f"http://127.0.0.1:{port}{path}", headers={"Origin": "http://evil.example"})
        assert answer.headers.get("access-control-allow-origin") not in {"*", "http://evil.example"}
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_no_file_of_the_program_is_served(port: int) -> None:
    for path in ("/app/static/app.py", "/app/static/../app.py", "/app.py", "/.streamlit/config.toml"):
        assert "import" not in httpx.get(f"http://127.0.0.1:{port}{path}").text.partition("<html")[0]


def test_programs_drive_no_session(port: int) -> None:
    answer = httpx.post(f"http://127.0.0.1:{port}/_stcore/agent/interact", json={})
    assert answer.status_code in {403, 404, 405, 501, 503}


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.7"])  # noqa: S104
def test_another_address_needs_a_provider(tmp_path: Path, address: str) -> None:
    environment = os.environ | {"ONBOARDING_HOME": str(tmp_path), "ONBOARDING_ADDRESS": address}
    serve = [sys.executable, "-m", "dashboard.serve", "--server.port", "1"]
    for command in (RUN, serve):
        answer = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert answer.returncode == 1
        assert answer.stderr.count("\n") == 1
        assert f"does not listen at {address}: without sign-in it is for this machine only" in answer.stderr


def test_there_is_no_way_around_it(tmp_path: Path) -> None:
    environment = os.environ | {"ONBOARDING_HOME": str(tmp_path)}
    for option in ("--insecure", "--address=0.0.0.0"):
        answer = subprocess.run(
            [*RUN, option], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert answer.returncode == 2
        assert "No such option" in answer.stderr


def test_with_a_provider_another_address_needs_the_public_one(tmp_path: Path) -> None:
    environment = os.environ | {
        "ONBOARDING_HOME": str(tmp_path),
        "ONBOARDING_ADDRESS": "0.0.0.0",  # noqa: S104
        "ONBOARDING_OIDC_ISSUER": "https://sign-in.example.com",
        "ONBOARDING_OIDC_CLIENT_ID": "onboarding",
        "ONBOARDING_OIDC_CLIENT_SECRET": "hidden",  # pragma: allowlist secret - made up
        "ONBOARDING_OIDC_ROLES": "admins=administrator",
    }
    answer = subprocess.run(RUN, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1
    assert "ONBOARDING_PUBLIC_ADDRESS" in answer.stderr
