"""The copy of the audit trail to syslog: real listeners get every event, and none is ever in the way of a change."""

import json
import logging
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlmodel import select

from core.domain.actor import Actor
from core.domain.roles import Role
from core.services import syslog
from core.services.use_case import changing, note
from core.services.workspace import Workspace, open_workspace
from core.settings import Settings
from core.store.tables.audit import Event

ACTOR = Actor(name="Ada", via="screen", role=Role.ADMINISTRATOR, address="192.0.2.7")
AUTHPRIV_INFO, AUTHPRIV_WARNING = "<86>", "<84>"


class Listener:
    """What came in at a socket."""

    def __init__(self, kind: type[socketserver.BaseServer], address: Any) -> None:
        lines = self.lines = []
        came = self.came = threading.Condition()

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                for line in self.rfile:
                    with came:
                        lines.append(line.decode())
                        came.notify()

        class Packet(socketserver.DatagramRequestHandler):
            def handle(self) -> None:
                with came:
                    lines.append(self.rfile.read().decode())
                    came.notify()

        stream = issubclass(kind, socketserver.TCPServer) and not issubclass(kind, socketserver.UDPServer)
        kind.allow_reuse_address = True  # type: ignore[attr-defined]
        self.server = kind(address, Handler if stream else Packet)
        self.server.block_on_close = False  # type: ignore[attr-defined]  # the connection stays open, as it should
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def wait(self, count: int) -> list[str]:
        """The lines, once there are so many."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.lines) >= count, 20), self.lines
            return list(self.lines)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@contextmanager
def opened(home: Path, address: str) -> Iterator[Workspace]:
    workspace = open_workspace(Settings(home=home, syslog=address))
    syslog._copy.cache_clear()
    yield workspace
    workspace.close()


def payload(line: str) -> dict[str, Any]:
    """The JSON of a line; whoever reads syslog finds it behind the priority and the program's name."""
    head, _, text = line.partition("onboarding: ")
    assert head in {AUTHPRIV_INFO, AUTHPRIV_WARNING}
    return json.loads(text)


def stored(workspace: Workspace) -> list[Event]:
    with workspace.store.reading() as session:
        return list(session.exec(select(Event).where(Event.action != "audit.begin").order_by(Event.id)).all())


@pytest.fixture(params=["udp", "tcp", "unix"])
def way(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Listener]]:
    if request.param == "udp":
        listener = Listener(socketserver.ThreadingUDPServer, ("127.0.0.1", 0))
    elif request.param == "tcp":
        listener = Listener(socketserver.ThreadingTCPServer, ("127.0.0.1", 0))
    else:
        listener = Listener(socketserver.ThreadingUnixDatagramServer, str(tmp_path / "log"))
    where = f"/{tmp_path}/log" if request.param == "unix" else f"127.0.0.1:{listener.server.server_address[1]}"
    yield f"{request.param}://{where.replace('//', '/')}", listener
    listener.close()


def test_every_event_is_a_line_of_json(tmp_path: Path, way: tuple[str, Listener]) -> None:
    address, listener = way
    with opened(tmp_path / "home", address) as workspace:
        note(ACTOR, workspace, "sign_in", "Ada\nsecond line", outcome="refused", why="é")
        with changing(ACTOR, workspace, "count") as change:
            change.record("one")
            change.record("two", number=2)
        lines = listener.wait(3)
        assert [line[:4] for line in lines] == [AUTHPRIV_WARNING, AUTHPRIV_INFO, AUTHPRIV_INFO]
        told = [payload(line) for line in lines]
        assert told[0]["subject"] == "Ada\nsecond line"
        assert told[0] | {"at": ""} == {
            "number": 2,
            "at": "",
            "actor": "Ada",
            "via": "screen",
            "address": "192.0.2.7",
            "action": "sign_in",
            "subject": "Ada\nsecond line",
            "outcome": "refused",
            "details": {"why": "é"},
            "mac": stored(workspace)[0].mac,  # so that the copy vouches for the chain
        }
        assert [one["mac"] for one in told] == [event.mac for event in stored(workspace)]


def test_what_is_not_done_is_not_sent(tmp_path: Path) -> None:
    listener = Listener(socketserver.ThreadingUDPServer, ("127.0.0.1", 0))
    with opened(tmp_path / "home", f"udp://127.0.0.1:{listener.server.server_address[1]}") as workspace:
        with pytest.raises(ZeroDivisionError), changing(ACTOR, workspace, "count") as change:
            change.record("undone", number=1 // 0)
        with pytest.raises(ZeroDivisionError), changing(ACTOR, workspace, "count") as change:
            change.record("undone")
            _ = 1 // 0
        note(ACTOR, workspace, "count", "done")
        assert [payload(line)["subject"] for line in listener.wait(1)] == ["done"]
    listener.close()


def test_a_line_that_is_too_long_goes_without_its_details(tmp_path: Path, way: tuple[str, Listener]) -> None:
    address, listener = way
    with opened(tmp_path / "home", address) as workspace:
        note(ACTOR, workspace, "buckets.download", "bills", keys=["k" * 1000] * 100)
        (line,) = listener.wait(1)
        assert len(line) < syslog.LONGEST
        assert payload(line)["details"] == "left out: too long"
        assert len(stored(workspace)[0].details["keys"]) == 100


def test_a_syslog_that_is_away_keeps_nothing_from_being_done_and_gets_the_lines_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    with opened(tmp_path / "home", f"tcp://127.0.0.1:{port}") as workspace, caplog.at_level(logging.WARNING):
        note(ACTOR, workspace, "count", "1")
        note(ACTOR, workspace, "count", "2")
        assert len(stored(workspace)) == 2
        said = [record.getMessage() for record in caplog.records if record.name == "core.services.syslog"]
        assert len(said) == 1 and "1 events could not be copied to tcp://127.0.0.1" in said[0]  # then it is left alone
        monkeypatch.setattr(syslog, "PAUSE_SECONDS", 0)
        syslog._copy(f"tcp://127.0.0.1:{port}")._not_before = 0
        listener = Listener(socketserver.ThreadingTCPServer, ("127.0.0.1", port))
        note(ACTOR, workspace, "count", "3")
        assert [payload(line)["subject"] for line in listener.wait(3)] == ["1", "2", "3"]
        listener.close()


def test_a_connection_that_was_closed_is_opened_again_and_no_line_is_lost(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.settimeout(20)
        with opened(tmp_path / "home", f"tcp://127.0.0.1:{server.getsockname()[1]}") as workspace:
            for number in ("1", "2"):
                note(ACTOR, workspace, "count", number)
                connection, _ = server.accept()
                with connection, connection.makefile() as lines:
                    assert payload(lines.readline())["subject"] == number


def test_a_host_that_does_not_exist_is_only_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with opened(tmp_path / "home", "udp://nowhere.invalid:514") as workspace:
        note(ACTOR, workspace, "count", "1")
        assert len(stored(workspace)) == 1
    with opened(tmp_path / "home", f"unix://{tmp_path}/no-socket") as workspace:
        note(ACTOR, workspace, "count", "2")
        assert len(stored(workspace)) == 2
    assert len([one for one in caplog.records if "could not be copied" in one.getMessage()]) == 2


@pytest.mark.parametrize("address", ["udp://host", "tcp://[::1]:6514", "unix:///dev/log"])
def test_addresses_that_are_understood(address: str) -> None:
    assert Settings(syslog=address).syslog == address


@pytest.mark.parametrize(
    "address",
    [
        "host:514",
        "http://host",
        "udp://",
        "tcp://host:0x1",
        "tcp://host:70000",
        "udp://host/path",
        "unix://",
        "unix://host/log",
        "",
    ],
)
def test_addresses_that_are_not(address: str) -> None:
    with pytest.raises(ValidationError, match="It is named like udp://host:514"):
        Settings(syslog=address)
