"""The gate to the network: names are looked up once and judged, the connection goes to what was judged, and nobody
leads this program to itself or to a metadata service. Names and routes are set here; sockets, TLS, proxies are real."""

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from core.domain.hosts import Allowed, Standing, parse_rule
from core.domain.regions import Region
from core.outscale import egress
from core.outscale.egress import Gate, Place, typed_refusal
from core.outscale.errors import OutscaleError, Trouble
from tests.clients.conftest import Ask, oapi, oos, proxy_at, region_at
from tests.clients.listeners import NO_BUCKETS, VERSION, LineByLine, Origin, Proxy, Reply

NAME = "api.lab.example"
PROXY = "proxy.lab.example"
PUBLIC, OTHER_PUBLIC, PRIVATE = "93.184.215.14", "93.184.215.15", "10.20.30.40"
NEVER = [
    "127.0.0.1",
    "127.8.8.8",
    "::1",
    "0.0.0.0",  # noqa: S104
    "0.1.2.3",
    "::",
    "169.254.169.254",
    "169.254.1.1",
    "fe80::1",
    "fd00:ec2::254",
    "224.0.0.1",
    "ff02::1",
    "255.255.255.255",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:93.184.215.14",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::1",
]


@pytest.fixture
def _loopback_is_any_other_network() -> None:
    """Not here."""


class Net:
    """What names resolve to, and where addresses lead: to a listener of the test, or nowhere."""

    def __init__(self, look_up: Callable[[str, int], list[Place]], dial: Callable[..., object]) -> None:
        self.names: dict[str, list[list[str]]] = {}
        """The answers to the first, the second … look-up of a name; the last one stays."""
        self.routes: dict[str, int] = {}
        self.asked: list[str] = []
        self.dialled: list[str] = []
        self._look_up, self._dial = look_up, dial

    def look_up(self, host: str, port: int) -> list[Place]:
        self.asked.append(host)
        answers = self.names.get(host)
        if answers is None:
            return self._look_up(host, port)
        now = answers.pop(0) if len(answers) > 1 else answers[0]
        return [place for address in now for place in self._look_up(address, port)]

    def dial(self, place: Place, *more: object) -> object:
        address = place[1][0]
        self.dialled.append(address)
        if address in self.routes:
            (place,) = self._look_up("127.0.0.1", self.routes[address])
        else:
            assert address == "127.0.0.1", f"{address} leads out of this machine"
        return self._dial(place, *more)


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> Net:
    net = Net(egress.look_up, egress.dial)
    monkeypatch.setattr(egress, "look_up", net.look_up)
    monkeypatch.setattr(egress, "dial", net.dial)
    return net


@pytest.fixture(scope="session")
def lab_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(NAME, PROXY).configure_cert(context)
    return context


def allowed(*entries: str) -> Allowed:
    return Allowed(tuple(parse_rule(entry) for entry in entries))


def region(url: str, ca_file: Path | None = None, **changes: bool) -> Region:
    return Region(name="lab-1", label="Lab", api=f"{url}/api/v1", oos=url, ca_file=ca_file, **changes)


def refused(error: OutscaleError | None, *words: str) -> None:
    assert error
    assert error.trouble is Trouble.NOT_ALLOWED, error
    assert error.on_the_way and not error.passing
    assert all(word in error.what for word in words), error.what


def test_a_connection_goes_to_the_address_that_was_judged_and_tls_to_the_name(
    ask: Ask, net: Net, lab_tls: ssl.SSLContext, tls: ssl.SSLContext, ca_file: Path
) -> None:
    net.names[NAME] = [[PUBLIC]]
    with Origin(tls=lab_tls) as origin, Origin(tls=tls) as other:
        net.routes[PUBLIC] = origin.port
        assert ask(region(f"https://{NAME}", ca_file)) is None
        assert origin.seen[0].headers["host"] == NAME
        assert (net.asked, net.dialled) == ([NAME], [PUBLIC])
        net.routes[PUBLIC] = other.port  # whose certificate is for its address, 127.0.0.1
        error = ask(region(f"https://{NAME}", ca_file))
        assert error and error.trouble is Trouble.TLS
        assert other.seen == []


def test_a_name_that_leads_elsewhere_later_leads_nobody(net: Net, lab_tls: ssl.SSLContext, ca_file: Path) -> None:
    net.names[NAME] = [[PUBLIC], ["127.0.0.1"]]
    closing = {"Connection": "close"}  # so that each request makes a connection of its own
    with Origin(Reply(VERSION.status, VERSION.body, VERSION.headers | closing), tls=lab_tls) as origin:
        net.routes[PUBLIC] = origin.port
        with oapi(region(f"https://{NAME}", ca_file)) as api:
            for _ in range(3):
                api.probe()
        assert len(origin.seen) == 3
        assert net.asked == [NAME]
        assert net.dialled == [PUBLIC] * 3
        refused(_error(lambda: oapi(region(f"https://{NAME}", ca_file)).probe()), "127.0.0.1", "this machine")


def test_the_next_address_is_tried_when_the_first_takes_no_connection(net: Net) -> None:
    net.names[NAME] = [[PUBLIC, OTHER_PUBLIC]]
    with Origin(NO_BUCKETS) as origin:
        net.routes |= {PUBLIC: _closed_port(), OTHER_PUBLIC: origin.port}
        assert oos(region(f"http://{NAME}")).list_buckets() == []
        assert net.dialled == [PUBLIC, OTHER_PUBLIC]


@pytest.mark.parametrize("address", NEVER)
def test_a_name_never_leads_to_this_machine_or_a_metadata_service(ask: Ask, net: Net, address: str) -> None:
    for answer in ([address], [PUBLIC, address]):
        net.names = {NAME: [answer], PROXY: [answer]}
        listed = allowed(NAME, PROXY)
        for who in (
            region(f"http://{NAME}"),
            region(f"http://{NAME}", from_file=True),
            region(f"http://{NAME}", sandbox=True),
        ):
            refused(ask(who, allowed=listed), NAME)
        refused(ask(region("https://api.example"), proxy=proxy_at(3128, host=PROXY), allowed=listed), PROXY)
        assert typed_refusal(PROXY, 3128, listed)
    assert net.dialled == []


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "[::1]",
        "localhost",
        "0.0.0.0",  # noqa: S104
        "169.254.169.254",
        "[fd00:ec2::254]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::]",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "00",
        "255.255.255.255",
    ],
)
def test_such_an_address_is_refused_however_it_is_written(ask: Ask, net: Net, host: str) -> None:
    """Those that only some programs read as an address are not even looked up."""
    for who in (region(f"http://{host}:80"), region(f"https://{host}", from_file=True)):
        refused(ask(who))
        refused(ask(who, proxy=proxy_at(3128, host=PROXY), allowed=allowed(PROXY)))  # nor by the proxy
    bare = host.strip("[]")
    refused(ask(region("https://api.example"), proxy=proxy_at(80, host=bare), allowed=allowed("10.0.0.0/8")))
    assert typed_refusal(bare, 80, allowed("10.0.0.0/8"))
    assert net.dialled == []


def test_a_user_before_the_host_fools_nobody(ask: Ask, net: Net) -> None:
    with Origin() as origin:
        for url in (
            f"http://api.eu-west-2.outscale.com@127.0.0.1:{origin.port}",
            f"http://api.eu-west-2.outscale.com:443@127.0.0.1:{origin.port}",
            f"http://a@b@127.0.0.1:{origin.port}",
        ):
            refused(ask(region(url)))
        assert origin.seen == []
    assert net.dialled == []


def test_private_addresses_are_for_those_whom_an_administrator_names(ask: Ask, net: Net) -> None:
    net.names[NAME] = [[PRIVATE]]
    with Origin() as origin:
        net.routes[PRIVATE] = origin.port
        refused(ask(region(f"http://{NAME}")), PRIVATE)
        refused(ask(region(f"http://{NAME}"), allowed=allowed(f"{NAME}:443", "192.168.0.0/16")), PRIVATE)
        assert origin.seen == []
        assert ask(region(f"http://{NAME}", from_file=True)) is None
        assert ask(region(f"http://{NAME}"), allowed=allowed(NAME)) is None
        assert ask(region(f"http://{NAME}"), allowed=allowed("10.0.0.0/8")) is None


def test_a_proxy_needs_an_entry(
    ask: Ask, net: Net, lab_tls: ssl.SSLContext, tls: ssl.SSLContext, ca_file: Path
) -> None:
    net.names[PROXY] = [[PUBLIC], ["127.0.0.1"]]
    with Origin(tls=tls) as origin, Proxy(tls=lab_tls) as proxy:
        net.routes[PUBLIC] = proxy.port
        way = proxy_at(3128, host=PROXY)
        there = region_at(origin.url, ca_file)
        refused(ask(there, proxy=way, allowed=allowed()), PROXY, "not on the list")
        refused(ask(there, proxy=way, allowed=allowed("other.lab.example", f"{PROXY}:8080")), PROXY)
        assert net.asked == [], "a host that nobody allowed is not looked up"
        assert ask(there, proxy=way, allowed=allowed(f"{PROXY}:3128")) is None
        assert proxy.lines == [f"CONNECT 127.0.0.1:{origin.port} HTTP/1.0"]  # the sandbox's place: see region_at
        assert net.dialled == [PUBLIC]
        refused(ask(there, proxy=way, allowed=allowed(PROXY)), "127.0.0.1")
        assert len(proxy.lines) == 1


def test_a_question_about_an_http_proxy_goes_to_the_same_address(ask: Ask, net: Net) -> None:
    net.names[PROXY] = [[PUBLIC], ["127.0.0.1"]]
    with LineByLine() as proxy:  # silent when TLS begins, so it is asked in plain http
        net.routes[PUBLIC] = proxy.port
        way = {"proxy": proxy_at(3128, host=PROXY), "allowed": allowed(PROXY), "connect_timeout": 0.3}
        error = ask(region("https://api.example"), **way)
        assert error and error.trouble is Trouble.PROXY_IS_HTTP
    assert net.asked == [PROXY]
    assert set(net.dialled) == {PUBLIC}


def test_a_network_allows_proxies_by_any_name_in_it(net: Net) -> None:
    net.names = {PROXY: [[PRIVATE]], "far.example": [[PUBLIC]]}
    network = allowed("10.20.0.0/16:3128")
    assert typed_refusal(PROXY, 3128, network) is None
    assert typed_refusal(PROXY, 3129, network)
    assert typed_refusal("far.example", 3128, network)
    assert typed_refusal("nowhere.invalid", 3128, network)
    assert typed_refusal("nowhere.invalid", 3128, allowed("*.lab.example", "nowhere.invalid")) is None
    assert net.dialled == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(ask: Ask, net: Net, status: int) -> None:
    with Origin() as elsewhere:
        headers = {"Location": f"{elsewhere.url}/api/v1", "x-amz-bucket-region": "elsewhere-1"}
        words = "<Error><Code>PermanentRedirect</Code><Endpoint>127.0.0.1</Endpoint></Error>"
        for kind in ("application/json", "application/xml", "text/html"):
            with Origin(Reply(status, words.encode(), headers | {"Content-Type": kind})) as origin:
                assert ask(region_at(origin.url))
                assert {seen.path.split("?")[0] for seen in origin.seen} <= {"/", "/api/v1/ReadAccounts"}
        assert elsewhere.seen == []


def test_a_request_goes_to_its_region_and_no_other_host(net: Net) -> None:
    with Origin() as origin, Origin() as other:
        storage = oos(region_at(origin.url))
        refused(_error(lambda: storage._transport.send("GET", f"{other.url}/", {})))
        assert other.seen == []


def test_the_sandbox_is_on_this_machine_and_nowhere_else(ask: Ask, net: Net) -> None:
    net.names[NAME] = [[PUBLIC]]
    for host in (NAME, PUBLIC, PRIVATE, "169.254.169.254", "[::ffff:127.0.0.1]", "2130706433"):
        refused(ask(region(f"http://{host}", sandbox=True), allowed=allowed(NAME, "10.0.0.0/8")))
    assert net.dialled == []


def test_a_name_that_no_host_can_have(net: Net) -> None:
    gate = Gate(Standing.FILE, allowed())
    for host in ("x" * 64 + ".example", "a..example"):
        with pytest.raises(OSError):
            gate.connect(host, 443, 1)


def _error(what: Callable[[], object]) -> OutscaleError | None:
    try:
        what()
    except OutscaleError as error:
        return error
    return None


def _closed_port() -> int:
    with Origin() as origin:
        return origin.port
