"""Real listeners on loopback: a server whose answers are set, with or without TLS, and proxies."""

import base64
import http.client
import json
import select
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, Self
from urllib.parse import urlsplit

USER, PASSWORD = "walter", "p@ss:w/ö#rd"  # pragma: allowlist secret - made up


class Listener(socketserver.ThreadingTCPServer):
    """Serves on a free port of 127.0.0.1 until its `with` ends."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, handler: type[socketserver.BaseRequestHandler], tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.tls = tls
        self.closing = threading.Event()

    @property
    def port(self) -> int:
        return self.server_address[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.tls is None:
            super().finish_request(request, client_address)
            return
        request.settimeout(5)
        with suppress(OSError), self.tls.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what many tests are about."""


@dataclass
class Reply:
    """One answer. `cut`: promise more than is sent, then hang up. `wait`: seconds of silence before it."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    wait: float = 0


def said(content: object, status: int = 200) -> Reply:
    """A JSON answer."""
    return Reply(status, json.dumps(content).encode(), {"Content-Type": "application/json"})


def refused(code: str, status: int, details: str = "", kind: str = "AccessDenied") -> Reply:
    """A refusal in the API's shape."""
    error = {"Code": code, "Type": kind, "Details": details}
    return said({"Errors": [error], "ResponseContext": {"RequestId": "a-request"}}, status)


def xml(text: str, status: int = 200) -> Reply:
    """An answer of an object storage."""
    headers = {"Content-Type": "application/xml", "x-amz-request-id": "a-request"}
    return Reply(status, b'<?xml version="1.0" encoding="UTF-8"?>' + text.encode(), headers)


def s3_refused(code: str, status: int) -> Reply:
    """A refusal in the object storage's shape."""
    return xml(f"<Error><Code>{code}</Code><Message>Because</Message></Error>", status)


PAGE = Reply(200, b"<!DOCTYPE html><html>Sign in</html>", {"Content-Type": "text/html"})
VERSION = said({"Version": "1", "Calls": []})
NO_BUCKETS = xml("<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>")


def _all_well(path: str) -> Reply:
    if not path.startswith("/api/"):
        return NO_BUCKETS
    return said({"Accounts": []}) if path.endswith("Accounts") else VERSION


@dataclass(frozen=True)
class Seen:
    """A request that arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def call(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def params(self) -> dict[str, Any]:
        return json.loads(self.body)


class Origin(Listener):
    """A server that gives its `replies` one after the other, the last one again and again, and notes what came.
    Without any, it says that all is well, as an API or as a storage, whichever is asked."""

    def __init__(self, *replies: Reply, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(_OriginHandler, tls)
        self.replies = list(replies)
        self.seen: list[Seen] = []
        self.ahead = 0.0
        """Seconds by which this server's clock is ahead."""

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"


class _OriginHandler(BaseHTTPRequestHandler):
    server: Origin
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.seen.append(Seen(self.command, self.path, headers, body))
        replies = self.server.replies
        well = _all_well(self.path)
        reply = replies.pop(0) if len(replies) > 1 else replies[0] if replies else well
        if reply.wait:
            self.server.closing.wait(reply.wait)
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if "Content-Length" not in reply.headers:
            self.send_header("Content-Length", str(len(reply.body) + (100 if reply.cut else 0)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)
        if reply.cut:
            self.close_connection = True

    do_GET = do_POST = do_HEAD = do_PUT = _answer  # noqa: N815

    def date_time_string(self, timestamp: float | None = None) -> str:
        now = time.time() if timestamp is None else timestamp
        return super().date_time_string(now + self.server.ahead)

    def log_message(self, *_: object) -> None:
        pass


class Proxy(Listener):
    """A proxy that opens tunnels and forwards plain http, for `USER` and `PASSWORD` only. With `status` it refuses
    instead."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, status: int | None = None) -> None:
        super().__init__(_ProxyHandler, tls)
        self.status = status
        self.lines: list[str] = []
        self.sign_ins: list[str] = []


class _ProxyHandler(socketserver.StreamRequestHandler):
    server: Proxy

    def handle(self) -> None:
        line = self.rfile.readline().decode("latin-1").strip()
        if not line.endswith(("HTTP/1.0", "HTTP/1.1")):
            self.wfile.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            return
        headers = http.client.parse_headers(self.rfile)
        body = self.rfile.read(int(headers.get("Content-Length", 0)))
        self.server.lines.append(line)
        self.server.sign_ins.append(headers.get("Proxy-Authorization", ""))
        wanted = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if headers.get("Proxy-Authorization") != wanted:
            self._refuse(407, 'Proxy-Authenticate: Basic realm="proxy"\r\n')
        elif self.server.status:
            self._refuse(self.server.status)
        elif line.startswith("CONNECT "):
            self._tunnel(line.split()[1])
        else:
            self._forward(line, headers, body)

    def _refuse(self, status: int, more: str = "") -> None:
        head = f"HTTP/1.1 {status} No\r\n{more}Content-Type: text/html\r\nContent-Length: 15\r\n\r\n"
        self.wfile.write(head.encode() + b"<html>No</html>")

    def _tunnel(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        try:
            upstream = socket.create_connection((host, int(port)), 5)
        except OSError:
            self._refuse(502)
            return
        with upstream:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with suppress(OSError):
                _relay(self.connection, upstream)

    def _forward(self, line: str, headers: http.client.HTTPMessage, body: bytes) -> None:
        method, url, _ = line.split()
        parts = urlsplit(url)
        try:
            upstream = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
            kept = {name: value for name, value in headers.items() if name.lower() != "proxy-authorization"}
            upstream.request(method, parts._replace(scheme="", netloc="").geturl(), body, kept)
            answer = upstream.getresponse()
        except OSError:
            self._refuse(502)
            return
        content = answer.read()
        self.wfile.write(f"HTTP/1.1 {answer.status} {answer.reason}\r\n".encode())
        for name, value in answer.getheaders():
            self.wfile.write(f"{name}: {value}\r\n".encode())
        self.wfile.write(b"Connection: close\r\n\r\n" + content)


def _relay(one: socket.socket, other: socket.socket) -> None:
    """Pass on what comes from either side until one hangs up. One thread for both ways: Python's TLS sockets break when
    one thread reads while another writes."""
    across = {one: other, other: one}
    while True:
        held = [side for side in across if isinstance(side, ssl.SSLSocket) and side.pending()]
        for side in held or select.select(list(across), [], [])[0]:
            data = side.recv(65536)
            if not data:
                return
            across[side].sendall(data)


class Mute(Listener):
    """Takes a connection and hangs up at once, or says nothing at all until the test ends."""

    def __init__(self, *, hang_up: bool) -> None:
        super().__init__(_MuteHandler, None)
        self.hang_up = hang_up


class _MuteHandler(socketserver.BaseRequestHandler):
    server: Mute

    def handle(self) -> None:
        if not self.server.hang_up:
            self.server.closing.wait(10)


class LineByLine(Listener):
    """An http-only proxy that waits for the end of a request's head, and is silent when TLS begins."""

    def __init__(self) -> None:
        super().__init__(_LineHandler, None)


class _LineHandler(socketserver.BaseRequestHandler):
    server: LineByLine

    def handle(self) -> None:
        self.request.settimeout(5)
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            data = self.request.recv(4096)
            if not data:
                return
            head += data
        self.request.sendall(b"HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n")


@contextmanager
def full_queue() -> Iterator[int]:
    """A port that takes no more connections: the kernel drops what begins one."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = []
        for _ in range(8):
            client = socket.socket()
            client.setblocking(False)
            with suppress(BlockingIOError):
                client.connect(listener.getsockname())
            waiting.append(client)
        try:
            yield listener.getsockname()[1]
        finally:
            for client in waiting:
                client.close()


def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]
