"""What went wrong on the way to OUTSCALE, in the user's words."""

import re
import socket
import ssl
from collections.abc import Callable

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

from core.domain.proxy import ProxyUrl
from core.outscale.errors import OutscaleError, Trouble

_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")
_NOT_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL", "HTTP_REQUEST")
_API_TYPES = ("json", "xml")
Connect = Callable[[str, int, float], socket.socket]
"""Opens a connection to a host and port within so many seconds, as this client may."""


def way_error(
    error: Exception, host: str, proxy: ProxyUrl | None, timeout: urllib3.Timeout, connect: Connect
) -> OutscaleError:
    """What urllib3's `error` means for a request to `host`, through `proxy` if any."""
    told = _proxy_error(error, host, proxy, timeout, connect) if proxy else None
    return told or _host_error(error, host, proxy, timeout)


def proxy_answered(status: int, content_type: str, proxy: ProxyUrl) -> OutscaleError | None:
    """The error when a proxy that forwards plain http answered itself instead of passing OUTSCALE's answer on."""
    if status == 407:
        return _sign_in(proxy)
    if status in (403, 502, 503, 504) and not any(kind in content_type for kind in _API_TYPES):
        return _refused(proxy, status)
    return None


def _host_error(error: Exception, host: str, proxy: ProxyUrl | None, timeout: urllib3.Timeout) -> OutscaleError:
    through = f" through the proxy {proxy.address}" if proxy else ""
    details = _reason(error)
    if isinstance(error, NameResolutionError):
        return OutscaleError(
            Trouble.NAME,
            f"The name {host} does not resolve from here.",
            "Check this machine's network and DNS; behind a proxy, give the proxy in the form.",
            details=details,
        )
    if isinstance(error, NewConnectionError):
        return OutscaleError(
            Trouble.CONNECTION,
            f"The connection to {host}{through} was refused.",
            "Check this machine's network; a firewall may close the way, or a proxy may be needed.",
            details=details,
        )
    if isinstance(error, ConnectTimeoutError):
        return OutscaleError(
            Trouble.TIMEOUT,
            f"No connection to {host}{through} within {timeout.connect_timeout:g} s.",
            "A firewall may drop it: ask your network team to open the way, or use a proxy.",
            details=details,
            passing=True,
        )
    if isinstance(error, (ReadTimeoutError, TimeoutError)):
        return OutscaleError(
            Trouble.TIMEOUT,
            f"{host} took the connection{through}, but did not answer within {timeout.read_timeout:g} s.",
            "Try again in a minute.",
            details=details,
        )
    if isinstance(error, (SSLError, ssl.SSLError)) and not _is_cut(details):
        return _tls_error(details, host, through)
    return OutscaleError(
        Trouble.CONNECTION,
        f"The connection to {host}{through} was cut before the answer was complete.",
        "Try again in a minute; when it happens again, ask your network team what closes it.",
        details=details,
        passing=True,
    )


def _tls_error(details: str, host: str, through: str) -> OutscaleError:
    if _is_not_tls(details):
        return OutscaleError(
            Trouble.TLS,
            f"{host} does not speak TLS{through}: it is an http address, or something in between answers.",
            "Check the Region's address, and what stands between this machine and OUTSCALE.",
            details=details,
        )
    return OutscaleError(
        Trouble.TLS,
        f"The certificate that {host} shows{through} is not trusted: {_certificate_reason(details)}.",
        "A device in between may open TLS: ask your network team for its CA and name it as the Region's ca_file.",
        details=details,
    )


def _proxy_error(
    error: Exception, host: str, proxy: ProxyUrl, timeout: urllib3.Timeout, connect: Connect
) -> OutscaleError | None:
    """The error when it is the proxy's, None when it happened behind it."""
    tunnel = _TUNNEL.search(str(error))
    if tunnel:
        status = int(tunnel[1])
        return _sign_in(proxy) if status == 407 else _refused(proxy, status, host)
    if not isinstance(error, ProxyError):
        return None
    cause = error.original_error
    details = _reason(cause)
    if isinstance(cause, NameResolutionError):
        return OutscaleError(
            Trouble.PROXY_NAME,
            f"The proxy's name {proxy.host} does not resolve from here.",
            "Correct the host in the proxy URL, or check this machine's DNS.",
            details=details,
        )
    if isinstance(cause, (NewConnectionError, ConnectTimeoutError)):
        late = not isinstance(cause, NewConnectionError)
        said = f"gave no connection within {timeout.connect_timeout:g} s" if late else "refused the connection"
        return OutscaleError(
            Trouble.PROXY_CONNECTION,
            f"The proxy {proxy.address} {said}.",
            "Check its host and port, and whether it runs and may be reached from here.",
            details=details,
            passing=late,
        )
    if _is_not_tls(details) or (not _is_about_certificate(details) and _answers_http(proxy, timeout, connect)):
        return OutscaleError(
            Trouble.PROXY_IS_HTTP,
            f"This proxy speaks http, not https: {proxy.address} answered without TLS.",
            "Ask your network team for the proxy's https port: the password would cross the network unprotected.",
            details=details,
        )
    if isinstance(cause, SSLError) and not _is_cut(details):
        return OutscaleError(
            Trouble.PROXY_TLS,
            f"The proxy's certificate is not trusted: {_certificate_reason(details)}.",
            "Use the host name that is in the certificate, or name the proxy's CA as the Region's ca_file.",
            details=details,
        )
    return OutscaleError(
        Trouble.PROXY_CONNECTION,
        f"The proxy {proxy.address} cut the connection, or did not answer.",
        "Check its host and port, and whether it is an https proxy.",
        details=details,
        passing=not isinstance(cause, ReadTimeoutError),
    )


def _sign_in(proxy: ProxyUrl) -> OutscaleError:
    return OutscaleError(
        Trouble.PROXY_SIGN_IN,
        f"The proxy {proxy.address} refused its user or password.",
        "Correct them in the proxy URL; what is not a letter or digit may have to be percent-encoded.",
        code="407",
    )


def _refused(proxy: ProxyUrl, status: int, host: str = "OUTSCALE") -> OutscaleError:
    if status in (502, 503, 504):
        what = f"The proxy {proxy.address} could not reach {host}."
        mend = "Ask your network team whether the proxy has a way there."
    else:
        what = f"The proxy {proxy.address} will not open the way to {host}."
        mend = f"Ask your network team to allow {host} on the proxy."
    return OutscaleError(Trouble.PROXY_REFUSED, what, mend, code=str(status))


def _answers_http(proxy: ProxyUrl, timeout: urllib3.Timeout, connect: Connect) -> bool:
    """Ask in plain http, without user and password: an http proxy may answer the beginning of TLS with silence."""
    wait = timeout.connect_timeout
    try:
        with connect(proxy.host, proxy.port, wait if isinstance(wait, (int, float)) else 5) as line:
            line.sendall(b"OPTIONS * HTTP/1.0\r\n\r\n")
            return line.recv(5) == b"HTTP/"
    except OSError:
        return False


def _is_not_tls(details: str) -> bool:
    spoken = details.upper().replace(" ", "_")
    return any(sign in spoken for sign in _NOT_TLS)


def _is_cut(details: str) -> bool:
    """A host that hangs up in the TLS handshake, which OpenSSL counts as TLS's own error."""
    return "EOF" in details


def _is_about_certificate(details: str) -> bool:
    return "certificate" in details.lower()


def _certificate_reason(details: str) -> str:
    found = re.search(r"certificate verify failed: ([^(]+?)\s*\(_ssl", details)
    return found[1].rstrip(".") if found else "the TLS handshake failed"


def _reason(error: object) -> str:
    """The innermost words of an exception, which for certificates are OpenSSL's own."""
    inner = error
    while isinstance(inner, Exception) and inner.args and isinstance(inner.args[-1], Exception):
        inner = inner.args[-1]
    return str(inner)
