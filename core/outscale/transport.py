"""The way to OUTSCALE: TLS, proxy, timeouts, and what went wrong on it, told apart.

Both clients send through urllib3, which reads neither proxy variables nor `.netrc`; a certificate counts when a public
authority (certifi) or the Region's own CA file signed it, the proxy's as well as OUTSCALE's."""

import base64
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import urllib3
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from core.domain.hosts import Allowed, Refusal, Standing, literal_refusal, plain_host
from core.domain.proxy import ProxyUrl
from core.domain.regions import Region
from core.outscale import recording
from core.outscale.egress import Gate, not_allowed
from core.outscale.errors import OutscaleError, Trouble
from core.outscale.transport_errors import proxy_answered, way_error

KEPT = 16
"""Connections to one host that are kept open for the next request: as many as ask at once."""
TRIES = 3
PAUSE = 0.4
"""Seconds: the first pause is a random part of it, the next ones of twice as much each."""
Answer = TypeVar("Answer")


def repeat_reads(read: Callable[[], Answer]) -> Answer:
    """Do `read`, which must change nothing at OUTSCALE, and do it again, at most `TRIES` times in all and with random
    pauses, while it fails in a way that passes: throttled, 5xx, cut, no connection in time."""
    again = Retrying(
        stop=stop_after_attempt(TRIES),
        wait=wait_random_exponential(multiplier=PAUSE),
        retry=retry_if_exception(lambda error: isinstance(error, OutscaleError) and error.passing),
        reraise=True,
    )
    return again(read)


class Transport:
    """Connections to one Region, direct or through a proxy that `allowed` has. Close it when done, or let it go."""

    def __init__(
        self, region: Region, proxy: ProxyUrl | None, allowed: Allowed, connect_timeout: float, read_timeout: float
    ) -> None:
        self._region = region
        self._ca_file = region.ca_file
        self._proxy = proxy
        self._gate = Gate(Standing.TYPED if proxy else _standing(region), allowed)
        self._hosts = {_host_and_port(address) for address in (region.api, region.oos)}
        self._timeout = urllib3.Timeout(connect=connect_timeout, read=read_timeout)

    def send(self, method: str, url: str, headers: Mapping[str, str], body: Any = None) -> urllib3.BaseHTTPResponse:
        """Send one request, once, and follow no redirect. `body`: text, bytes or a file. The body of the answer is
        still to be read, by `read` or inside `told_apart`.

        Raises OutscaleError when no answer came, or the proxy answered instead."""
        parts = urlsplit(url)
        self._expect(url)
        forwarded = self._proxy is not None and parts.scheme == "http"
        # The path goes out as it was signed: urllib3 would fold `a/../b` in a whole URL.
        target = url if forwarded else parts._replace(scheme="", netloc="").geturl() or "/"
        with self.told_apart(parts.hostname or url):
            answer = self._connections.connection_from_url(url).urlopen(
                method,
                target,
                body=body,
                headers=dict(headers),
                retries=False,
                redirect=False,
                assert_same_host=False,
                preload_content=False,
                decode_content=False,
            )
        if forwarded and self._proxy:
            refusal = proxy_answered(answer.status, answer.headers.get("Content-Type", ""), self._proxy)
            if refusal:
                answer.close()
                raise refusal
        recording.sent(method, url, headers, body, answer.status, answer)
        return answer

    def read(self, answer: urllib3.BaseHTTPResponse, url: str) -> bytes:
        """The whole body of an answer; its connection is free again then.

        Raises OutscaleError when the connection is cut or stalls."""
        with self.told_apart(urlsplit(url).hostname or url):
            body = answer.read()
        recording.answered(answer, body)
        return body

    @contextmanager
    def told_apart(self, host: str) -> Iterator[None]:
        """Turn what urllib3 raises inside into an OutscaleError that says where on the way it happened."""
        try:
            yield
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise way_error(error, host, self._proxy, self._timeout, self._gate.connect) from None

    def _expect(self, url: str) -> None:
        """A request goes to its Region, wherever an answer may point to; one through a proxy, which looks the name up
        itself, never to an address that is this machine's or a metadata service's."""
        if _host_and_port(url) not in self._hosts:
            what = f"A request was about to go to {urlsplit(url).hostname}, which is no host of {self._region.name}."
            raise not_allowed(Refusal(what, "Check what stands between this machine and OUTSCALE."))
        refused = None if self._region.sandbox else literal_refusal(urlsplit(url).hostname or "")
        if refused:
            raise not_allowed(refused)

    def close(self) -> None:
        """Close the connections."""
        self._connections.clear()

    @cached_property
    def _connections(self) -> urllib3.PoolManager:
        trust = _trust(self._ca_file)
        if self._proxy is None:
            return _Pools(self._gate, maxsize=KEPT, ssl_context=trust, timeout=self._timeout)
        sign_in = f"{self._proxy.user}:{self._proxy.password.get_secret_value()}".encode()
        # The URL has no user and password, so that no exception of urllib3 can repeat them.
        return _ProxyPools(
            self._gate,
            f"https://{self._proxy.address}",
            proxy_headers={"Proxy-Authorization": f"Basic {base64.b64encode(sign_in).decode()}"},
            proxy_ssl_context=trust,
            maxsize=KEPT,
            ssl_context=trust,
            timeout=self._timeout,
        )


def _standing(region: Region) -> Standing:
    if region.sandbox:
        return Standing.SANDBOX
    return Standing.FILE if region.from_file else Standing.PUBLIC


def _host_and_port(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return plain_host(parts.hostname or ""), parts.port or {"http": 80, "https": 443}[parts.scheme]


class _GatedConnection(urllib3.connection.HTTPConnection):
    """A connection that a gate opens instead of urllib3, which would look the name up itself."""

    gate: Gate

    def _new_conn(self) -> socket.socket:
        timeout = self.timeout if isinstance(self.timeout, (int, float)) else None
        try:
            return self.gate.connect(self.host, self.port or self.default_port, timeout, self.socket_options or ())
        except socket.gaierror as error:
            raise urllib3.exceptions.NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            raise urllib3.exceptions.ConnectTimeoutError(self, "No connection in time.") from error
        except OSError as error:
            raise urllib3.exceptions.NewConnectionError(self, f"No connection: {error}") from error


class _GatedTlsConnection(_GatedConnection, urllib3.connection.HTTPSConnection):
    """The same with TLS, whose name and certificate are the host's and not the address's."""


class _GatedPools(urllib3.PoolManager):
    """Pools whose connections a gate opens."""

    _gate: Gate

    def _new_pool(
        self, scheme: str, host: str, port: int, request_context: dict[str, Any] | None = None
    ) -> urllib3.HTTPConnectionPool:
        pool = super()._new_pool(scheme, host, port, request_context)
        kind = _GatedTlsConnection if scheme == "https" else _GatedConnection
        pool.ConnectionCls = type(kind.__name__, (kind,), {"gate": self._gate})
        return pool


class _Pools(_GatedPools):
    def __init__(self, gate: Gate, **options: Any) -> None:
        self._gate = gate
        super().__init__(**options)


class _ProxyPools(_GatedPools, urllib3.ProxyManager):
    def __init__(self, gate: Gate, proxy: str, **options: Any) -> None:
        self._gate = gate
        super().__init__(proxy, **options)


@lru_cache(maxsize=16)
def _trust(ca_file: Path | None) -> ssl.SSLContext:
    """Reading all authorities takes 20 ms, so the threads and clients of this process share the result. Built here
    and not by `ssl.create_default_context`, which follows variables of the environment."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    if ca_file:
        try:
            context.load_verify_locations(ca_file)
        except OSError as error:
            raise OutscaleError(
                Trouble.TLS,
                f"The CA file {ca_file} of this Region cannot be read.",
                "Put a PEM file there, or correct ca_file in the Regions file.",
                details=str(error),
            ) from None
    return context
