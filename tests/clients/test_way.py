"""The way to OUTSCALE: each thing that can go wrong on it has its own trouble, for both clients."""

import ssl
import time
from pathlib import Path

import pytest

from core.outscale.errors import Trouble
from core.outscale.transport import _trust
from tests.clients.conftest import Ask, proxy_at, region_at
from tests.clients.listeners import (
    PAGE,
    USER,
    LineByLine,
    Mute,
    Origin,
    Proxy,
    Reply,
    closed_port,
    full_queue,
)


def test_tls_with_the_regions_own_authority(ask: Ask, tls: ssl.SSLContext, ca_file: Path) -> None:
    with Origin(tls=tls) as origin:
        assert ask(region_at(origin.url, ca_file)) is None
        assert len(origin.seen) == 1


@pytest.mark.parametrize("certificate", ["stranger_tls", "other_host_tls"])
def test_a_certificate_that_is_not_trusted(
    ask: Ask, certificate: str, ca_file: Path, request: pytest.FixtureRequest
) -> None:
    with Origin(tls=request.getfixturevalue(certificate)) as origin:
        error = ask(region_at(origin.url, ca_file))
        assert error
        assert error.trouble is Trouble.TLS
        assert "not trusted" in error.what
        assert origin.seen == []


def test_no_variable_of_the_environment_uncovers_tls(
    ask: Ask, tls: ssl.SSLContext, ca_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = tmp_path / "keys.log"
    monkeypatch.setenv("SSLKEYLOGFILE", str(keys))
    _trust.cache_clear()
    with Origin(tls=tls) as origin:
        assert ask(region_at(origin.url, ca_file)) is None
    assert not keys.exists() or "SECRET" not in keys.read_text()


def test_an_authority_counts_only_where_it_is_named(ask: Ask, tls: ssl.SSLContext) -> None:
    with Origin(tls=tls) as origin:
        error = ask(region_at(origin.url))
        assert error
        assert error.trouble is Trouble.TLS


def test_a_host_that_speaks_no_tls(ask: Ask) -> None:
    with Origin() as origin:
        error = ask(region_at(origin.url.replace("http:", "https:")))
        assert error
        assert error.trouble is Trouble.TLS
        assert "does not speak TLS" in error.what


def test_a_ca_file_that_is_gone(ask: Ask, tmp_path: Path) -> None:
    with Origin() as origin:
        error = ask(region_at(origin.url, tmp_path / "gone.pem"))
        assert error
        assert error.trouble is Trouble.TLS
        assert "gone.pem" in error.what


def test_a_name_that_does_not_resolve(ask: Ask) -> None:
    error = ask(region_at("http://nowhere.invalid"))
    assert error
    assert error.trouble is Trouble.NAME
    assert "nowhere.invalid" in error.what


def test_a_port_that_is_closed(ask: Ask) -> None:
    begun = time.monotonic()
    error = ask(region_at(f"http://127.0.0.1:{closed_port()}"))
    assert error
    assert error.trouble is Trouble.CONNECTION
    assert "refused" in error.what
    assert time.monotonic() - begun < 0.3  # not tried again


def test_no_connection_in_time(ask: Ask) -> None:
    with full_queue() as port:
        error = ask(region_at(f"http://127.0.0.1:{port}"), connect_timeout=0.1)
    assert error
    assert error.trouble is Trouble.TIMEOUT
    assert "within 0.1 s" in error.what


def test_no_answer_in_time(ask: Ask) -> None:
    with Origin(Reply(wait=5)) as origin:
        error = ask(region_at(origin.url), read_timeout=0.2)
        assert error
        assert error.trouble is Trouble.TIMEOUT
        assert "did not answer within 0.2 s" in error.what
        assert len(origin.seen) == 1


def test_a_handshake_that_stalls(ask: Ask) -> None:
    with Mute(hang_up=False) as mute:
        error = ask(region_at(f"https://127.0.0.1:{mute.port}"), connect_timeout=0.2)
    assert error
    assert error.trouble is Trouble.TIMEOUT


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_connection_that_is_cut(ask: Ask, scheme: str) -> None:
    with Mute(hang_up=True) as mute:
        error = ask(region_at(f"{scheme}://127.0.0.1:{mute.port}"))
    assert error
    assert error.trouble in {Trouble.CONNECTION, Trouble.TLS}
    if scheme == "http":
        assert "cut" in error.what


def test_an_answer_that_is_cut_in_the_middle(ask: Ask) -> None:
    with Origin(Reply(cut=True)) as origin:
        error = ask(region_at(origin.url))
        assert error
        assert error.trouble is Trouble.CONNECTION
        assert "cut" in error.what
        assert len(origin.seen) == 3


@pytest.mark.parametrize("status", [200, 302, 403, 404])
def test_a_web_page_instead_of_an_answer(ask: Ask, status: int) -> None:
    page = Reply(status, PAGE.body, PAGE.headers | {"Location": "/sign-in"})
    with Origin(page) as origin:
        error = ask(region_at(origin.url))
        assert error
        assert error.trouble is Trouble.NOT_JSON
        assert "page" in error.what
        assert len(origin.seen) == 1


def test_a_web_page_of_a_server_out_of_order(ask: Ask) -> None:
    with Origin(Reply(502, PAGE.body, PAGE.headers)) as origin:
        error = ask(region_at(origin.url))
        assert error
        assert error.trouble is Trouble.SERVER
        assert "OUTSCALE" in error.what
        assert len(origin.seen) == 3


# Proxies


@pytest.mark.parametrize("secured", [True, False], ids=["tunnel", "forwarded"])
def test_through_a_proxy(ask: Ask, tls: ssl.SSLContext, ca_file: Path, secured: bool) -> None:
    with Origin(tls=tls if secured else None) as origin, Proxy(tls=tls) as proxy:
        assert ask(region_at(origin.url, ca_file), proxy=proxy_at(proxy.port)) is None
        assert len(origin.seen) == 1
        assert "proxy-authorization" not in origin.seen[0].headers
        (line,) = proxy.lines
        assert line.startswith(f"CONNECT 127.0.0.1:{origin.port} " if secured else ("GET http:", "POST http:"))


@pytest.mark.parametrize("secured", [True, False], ids=["tunnel", "forwarded"])
def test_a_proxy_that_refuses_the_password(ask: Ask, tls: ssl.SSLContext, ca_file: Path, secured: bool) -> None:
    with Origin(tls=tls if secured else None) as origin, Proxy(tls=tls) as proxy:
        error = ask(region_at(origin.url, ca_file), proxy=proxy_at(proxy.port, password="wrong"))
        assert error
        assert error.trouble is Trouble.PROXY_SIGN_IN
        assert str(proxy.port) in error.what
        assert origin.seen == []
        assert len(proxy.lines) == 1  # a password is tried once


@pytest.mark.parametrize("secured", [True, False], ids=["tunnel", "forwarded"])
@pytest.mark.parametrize("status", [403, 502, 503])
def test_a_proxy_that_opens_no_way(ask: Ask, tls: ssl.SSLContext, ca_file: Path, secured: bool, status: int) -> None:
    with Origin(tls=tls if secured else None) as origin, Proxy(tls=tls, status=status) as proxy:
        error = ask(region_at(origin.url, ca_file), proxy=proxy_at(proxy.port))
        assert error
        assert error.trouble is Trouble.PROXY_REFUSED
        assert error.code == str(status)
        assert ("could not reach" if status >= 500 else "will not open the way") in error.what
        assert len(proxy.lines) == 1


def test_a_host_that_is_down_behind_the_proxy(ask: Ask, tls: ssl.SSLContext, ca_file: Path) -> None:
    with Proxy(tls=tls) as proxy:
        error = ask(region_at(f"https://127.0.0.1:{closed_port()}", ca_file), proxy=proxy_at(proxy.port))
    assert error
    assert error.trouble is Trouble.PROXY_REFUSED


def test_a_bad_certificate_behind_the_proxy(
    ask: Ask, tls: ssl.SSLContext, stranger_tls: ssl.SSLContext, ca_file: Path
) -> None:
    with Origin(tls=stranger_tls) as origin, Proxy(tls=tls) as proxy:
        error = ask(region_at(origin.url, ca_file), proxy=proxy_at(proxy.port))
        assert error
        assert error.trouble is Trouble.TLS
        assert "through the proxy" in error.what


@pytest.mark.parametrize("scheme", ["https", "http"])
@pytest.mark.parametrize("certificate", ["stranger_tls", "other_host_tls"])
def test_a_proxy_whose_certificate_is_not_trusted_gets_no_password(
    ask: Ask, scheme: str, certificate: str, ca_file: Path, request: pytest.FixtureRequest
) -> None:
    with Proxy(tls=request.getfixturevalue(certificate)) as proxy:
        error = ask(region_at(f"{scheme}://127.0.0.1:{closed_port()}", ca_file), proxy=proxy_at(proxy.port))
        assert error
        assert error.trouble is Trouble.PROXY_TLS
        assert proxy.sign_ins == []


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_proxy_that_speaks_http_only(ask: Ask, scheme: str) -> None:
    region = region_at(f"{scheme}://127.0.0.1:{closed_port()}")
    with Proxy() as proxy:
        error = ask(region, proxy=proxy_at(proxy.port))
        assert error
        assert error.trouble is Trouble.PROXY_IS_HTTP
        assert "This proxy speaks http, not https" in error.what
        assert not any(proxy.sign_ins)


def test_a_proxy_that_speaks_http_only_and_is_silent_about_it(ask: Ask) -> None:
    with LineByLine() as proxy:
        region = region_at(f"https://127.0.0.1:{closed_port()}")
        error = ask(region, proxy=proxy_at(proxy.port), connect_timeout=0.3)
    assert error
    assert error.trouble is Trouble.PROXY_IS_HTTP


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_proxy_that_is_down(ask: Ask, scheme: str) -> None:
    port = closed_port()
    error = ask(region_at(f"{scheme}://127.0.0.1:{closed_port()}"), proxy=proxy_at(port))
    assert error
    assert error.trouble is Trouble.PROXY_CONNECTION
    assert f"127.0.0.1:{port} refused" in error.what


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_proxys_name_that_does_not_resolve(ask: Ask, scheme: str) -> None:
    region = region_at(f"{scheme}://127.0.0.1:{closed_port()}")
    error = ask(region, proxy=proxy_at(3128, host="proxy.invalid"))
    assert error
    assert error.trouble is Trouble.PROXY_NAME
    assert "proxy.invalid" in error.what


def test_a_proxy_that_takes_no_connection_in_time(ask: Ask) -> None:
    with full_queue() as port:
        error = ask(region_at("https://127.0.0.1:9"), proxy=proxy_at(port), connect_timeout=0.1)
    assert error
    assert error.trouble is Trouble.PROXY_CONNECTION
    assert "within 0.1 s" in error.what


@pytest.mark.parametrize("hang_up", [True, False])
def test_a_proxy_that_says_nothing(ask: Ask, hang_up: bool) -> None:
    with Mute(hang_up=hang_up) as proxy:
        error = ask(region_at("https://127.0.0.1:9"), proxy=proxy_at(proxy.port), connect_timeout=0.2)
    assert error
    assert error.trouble is Trouble.PROXY_CONNECTION
    assert USER not in str(vars(error))
