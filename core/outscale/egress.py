"""The gate to the network: a host's name is looked up once, every address that it has is judged, and the connection
goes to one of exactly those. No second look-up can lead elsewhere; TLS still asks for the certificate of the name."""

import socket
import threading
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any, TypeAlias

from core.domain.hosts import (
    Allowed,
    Refusal,
    Standing,
    literal_refusal,
    not_listed,
    odd_address,
    refusal,
)
from core.outscale.errors import OutscaleError, Trouble

Place: TypeAlias = tuple[socket.AddressFamily, tuple[Any, ...]]
"""Where a connection goes: an address family and its socket address."""


def look_up(host: str, port: int) -> list[Place]:
    """The addresses of a host, in the system's order. Raises socket.gaierror when there are none."""
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except UnicodeError:  # a label that is empty or too long
        raise socket.gaierror(socket.EAI_NONAME, "no host can have this name") from None
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


def dial(place: Place, timeout: float | None, options: Sequence[tuple[int, int, Any]] = ()) -> socket.socket:
    """A connection to an address. Raises OSError."""
    family, address = place
    line = socket.socket(family, socket.SOCK_STREAM)
    try:
        for option in options:
            line.setsockopt(*option)
        line.settimeout(timeout)
        line.connect(address)
    except BaseException:
        line.close()
        raise
    return line


class Gate:
    """The way out for one client. What a name was looked up as first, it stays until the client goes."""

    def __init__(self, standing: Standing, allowed: Allowed) -> None:
        self._standing = standing
        self._allowed = allowed
        self._places: dict[tuple[str, int], list[Place]] = {}
        self._lock = threading.Lock()

    def connect(
        self, host: str, port: int, timeout: float | None, options: Sequence[tuple[int, int, Any]] = ()
    ) -> socket.socket:
        """A connection to the host, at the first of its addresses that takes one.

        Raises OutscaleError when it is not allowed, socket.gaierror and OSError when it fails."""
        failed: OSError | None = None
        for place in self._judged(host, port):
            try:
                return dial(place, timeout, options)
            except OSError as error:
                failed = error
        raise failed or OSError("The host has no address.")

    def _judged(self, host: str, port: int) -> list[Place]:
        with self._lock:
            if (host, port) not in self._places:
                refused = _by_name(host, port, self._standing, self._allowed)
                if refused is None:
                    places = look_up(host, port)
                    refused = _by_address(host, port, places, self._standing, self._allowed)
                if refused:
                    raise not_allowed(refused)
                self._places[host, port] = places
            return self._places[host, port]


def typed_refusal(host: str, port: int, allowed: Allowed) -> Refusal | None:
    """Why a host that a form names is not connected to, as far as it can be told without a connection. A name that does
    not resolve now is no reason: a connection to it says so itself."""
    refused = _by_name(host, port, Standing.TYPED, allowed)
    if refused:
        return refused
    try:
        return _by_address(host, port, look_up(host, port), Standing.TYPED, allowed)
    except OSError:
        return None if allowed.names(host, port) else not_listed(host, port)


def not_allowed(refused: Refusal) -> OutscaleError:
    """The refusal as an error of the way."""
    return OutscaleError(Trouble.NOT_ALLOWED, refused.what, refused.mend)


def _by_name(host: str, port: int, standing: Standing, allowed: Allowed) -> Refusal | None:
    """What can be told before a name is looked up, so that nobody makes this machine look up names at will."""
    if odd_address(host) or standing not in (Standing.SETTING, Standing.SANDBOX):
        refused = literal_refusal(host)
        if refused:
            return refused
    if standing is Standing.TYPED and not (allowed.names(host, port) or allowed.has_networks):
        return not_listed(host, port)
    return None


def _by_address(host: str, port: int, places: list[Place], standing: Standing, allowed: Allowed) -> Refusal | None:
    addresses = [ip_address(str(address[0])) for _, address in places]
    return refusal(host, port, addresses, standing, allowed)
