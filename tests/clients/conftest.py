"""What the tests of the clients share: authorities, a Region in front of a listener, and both clients asked alike."""

import ssl
import traceback
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
import trustme
from pydantic import SecretStr

from core.domain import hosts
from core.domain.hosts import Allowed, HostRule, parse_rule
from core.domain.proxy import ProxyUrl
from core.domain.regions import Region
from core.outscale import transport
from core.outscale.errors import OutscaleError
from core.outscale.oapi import Oapi
from core.outscale.oos import Oos
from tests.clients.listeners import PASSWORD, USER

ACCESS_KEY = "TESTTESTTESTTESTTEST"
SECRET_KEY = "SECRETSECRETSECRETSECRETSECRETSECRETSECR"  # pragma: allowlist secret - made up
EMAIL, ACCOUNT_PASSWORD = "someone@example.com", "Correct-Horse-42-Battery"  # pragma: allowlist secret - made up
SECRETS = (SECRET_KEY, ACCOUNT_PASSWORD, PASSWORD)

Ask = Callable[..., OutscaleError | None]


LISTENERS = Allowed((parse_rule("proxy.invalid"), HostRule(network=ip_network("127.0.0.1"))))
"""The proxies of these tests: a list as it would be if the loopback address were any other."""


@pytest.fixture(autouse=True)
def _loopback_is_any_other_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxies of these tests listen there. What is never opened has its tests in test_egress.py."""
    monkeypatch.setattr(hosts, "NEVER", tuple(one for one in hosts.NEVER if str(one[0]) != "127.0.0.0/8"))


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """How often something is tried is what the tests look at, not how long it takes."""
    monkeypatch.setattr(transport, "PAUSE", 0.02)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def tls(authority: trustme.CA) -> ssl.SSLContext:
    """The server side for 127.0.0.1, signed by the authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture(scope="session")
def stranger_tls() -> ssl.SSLContext:
    """The server side for 127.0.0.1, signed by an authority that nobody trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture(scope="session")
def other_host_tls(authority: trustme.CA) -> ssl.SSLContext:
    """The server side for another host's name, signed by the authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("elsewhere.example.com").configure_cert(context)
    return context


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return file


def region_at(url: str, ca_file: Path | None = None) -> Region:
    """A Region whose API and storage are one listener; on this machine, as the sandbox's are."""
    here = urlsplit(url).hostname == "127.0.0.1"
    return Region(name="test-1", label="Test", api=f"{url}/api/v1", oos=url, ca_file=ca_file, sandbox=here)


def proxy_at(port: int, *, host: str = "127.0.0.1", password: str = PASSWORD) -> ProxyUrl:
    return ProxyUrl(user=USER, password=SecretStr(password), host=host, port=port)


def oapi(region: Region, **options: object) -> Oapi:
    options = {"read_timeout": 5, "allowed": LISTENERS, **options}
    return Oapi(region, access_key=ACCESS_KEY, secret_key=SecretStr(SECRET_KEY), **options)


def oos(region: Region, **options: object) -> Oos:
    return Oos(region, ACCESS_KEY, SecretStr(SECRET_KEY), **{"read_timeout": 5, "allowed": LISTENERS, **options})


@pytest.fixture(params=["oapi", "oos"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Asks one thing of a Region through the API's client or the storage's: the error, or None."""

    def ask(region: Region, **options: object) -> OutscaleError | None:
        try:
            if request.param == "oos":
                oos(region, **options).list_buckets()
            else:
                with oapi(region, **options) as api:
                    api.read_accounts()
        except OutscaleError as error:
            assert_says_enough(error)
            return error
        return None

    return ask


def assert_says_enough(error: OutscaleError) -> None:
    """Every error is for a person: what happened, what to do, and no secret anywhere in it."""
    assert error.what.endswith(".")
    assert error.mend.endswith(".")
    assert "{" not in error.what
    everything = " ".join([repr(error), *traceback.format_exception(error), *map(str, vars(error).values())])
    assert not [secret for secret in SECRETS if secret in everything or quote(secret, safe="") in everything]
