"""What went wrong on the way to OUTSCALE, told apart for both HTTP clients."""

import socket
from collections.abc import Iterator

from core.domain.proxy import ProxyUrl
from core.domain.regions import Region
from core.outscale.errors import OutscaleError, Trouble


def explain_transport(error: BaseException, url: str, region: Region, proxy: ProxyUrl | None) -> OutscaleError:
    """Turn an exception of requests, urllib3 or botocore into one that says what happened and what to do. The
    original is not chained: its text may hold what belongs into no log."""
    trouble = _trouble(error, proxy)
    what, mend = _WORDS[trouble]
    through = proxy.address if proxy else ""
    host = url.split("/")[2]
    return OutscaleError(
        trouble,
        what.format(host=host, region=region.name, proxy=through),
        mend.format(host=host, region=region.name, proxy=through),
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop(0)
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [getattr(one, "reason", None), one.__cause__, one.__context__]
        waiting += [
            part for part in (*one.args, *getattr(one, "kwargs", {}).values()) if isinstance(part, BaseException)
        ]


def _trouble(error: BaseException, proxy: ProxyUrl | None) -> Trouble:
    causes = [one for one in _chain(error) if isinstance(one, BaseException)]
    names = {type(one).__name__ for one in causes}
    text = " ".join(str(one) for one in causes).lower()
    through_proxy = proxy is not None
    if "407" in text and ("tunnel" in text or "proxy" in text):
        return Trouble.PROXY_SIGN_IN
    if through_proxy and (
        "appears to only use http" in text
        or "wrong_version_number" in text
        or "wrong version number" in text
        or "record layer failure" in text
    ):
        return Trouble.PROXY_IS_HTTP
    if "tunnel connection failed" in text:
        return Trouble.PROXY_REFUSED
    at_proxy = through_proxy and bool(names & {"ProxyError", "ProxyConnectionError"} or "proxy" in text)
    if "certificate" in text or names & {"SSLError", "SSLCertVerificationError", "SSLEOFError"}:
        return Trouble.PROXY_TLS if at_proxy else Trouble.TLS
    if names & {"gaierror", "NameResolutionError"} or any(isinstance(one, socket.gaierror) for one in causes):
        return Trouble.PROXY_NAME if through_proxy else Trouble.NAME
    if names & {"ConnectTimeout", "ReadTimeout", "ConnectTimeoutError", "ReadTimeoutError", "Timeout"}:
        return Trouble.PROXY_CONNECTION if at_proxy and "connect" in text and "read" not in text else Trouble.TIMEOUT
    return Trouble.PROXY_CONNECTION if at_proxy else Trouble.CONNECTION


_WORDS = {
    Trouble.NAME: (
        "The name {host} cannot be found from here.",
        "Check this machine's network and name server, or enter the proxy that leads to the Internet.",
    ),
    Trouble.CONNECTION: (
        "The connection to {host} was refused or cut.",
        "Try again in a moment; if it stays, a firewall may stand between, or a proxy is needed.",
    ),
    Trouble.TIMEOUT: (
        "{host} did not answer in time.",
        "Try again in a moment; if it stays, a firewall may stand between, or a proxy is needed.",
    ),
    Trouble.TLS: (
        "The certificate of {host} is not trusted here, or it does not speak TLS.",
        "If a device on the way opens TLS, name its authority as the Region's ca_file (file of ONBOARDING_REGIONS).",
    ),
    Trouble.PROXY_NAME: ("The name of the proxy {proxy} cannot be found from here.", "Correct the proxy's host."),
    Trouble.PROXY_CONNECTION: (
        "The proxy {proxy} cannot be reached: it refused, cut or did not answer the connection.",
        "Check the proxy's host and port, and whether it is running.",
    ),
    Trouble.PROXY_SIGN_IN: (
        "The proxy {proxy} refused the user or the password.",
        "Correct the user and password in the proxy URL.",
    ),
    Trouble.PROXY_IS_HTTP: (
        "This proxy speaks http, not https: {proxy} answers without TLS.",
        "Ask for the proxy's TLS port; the form takes https:// proxies only.",
    ),
    Trouble.PROXY_TLS: (
        "The certificate of the proxy {proxy} is not trusted here.",
        "Name its authority as the Region's ca_file in the file of ONBOARDING_REGIONS.",
    ),
    Trouble.PROXY_REFUSED: (
        "The proxy {proxy} does not open a way to {host}.",
        "Ask whoever runs the proxy to allow {host}.",
    ),
}
