"""Which hosts may be connected to: entries of the list, addresses, and every way to write one that is never opened."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as some

from core.domain.hosts import (
    NEVER,
    NOTHING,
    Allowed,
    Standing,
    is_private,
    literal_refusal,
    never,
    odd_address,
    parse_rule,
    refusal,
    says_this_machine,
)

PUBLIC, PRIVATE = "93.184.215.14", "10.20.30.40"
METADATA = "169.254.169.254"


def allowed(*entries: str) -> Allowed:
    return Allowed(tuple(parse_rule(entry) for entry in entries))


def refused(host: str, address: str, standing: Standing, *entries: str, port: int = 3128) -> bool:
    return refusal(host, port, [ip_address(address)], standing, allowed(*entries)) is not None


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        (" Proxy.Company.example. ", "proxy.company.example"),
        ("proxy", "proxy"),
        ("proxy:3128", "proxy:3128"),
        ("*.Company.example:8080", "*.company.example:8080"),
        ("proxy_1.company.example", "proxy_1.company.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("10.1.2.3", "10.1.2.3"),
        ("10.1.2.3/32", "10.1.2.3"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("10.0.0.0/8:3128", "10.0.0.0/8:3128"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "[2001:db8::1]:443"),
        ("fd12:3456::/32", "fd12:3456::/32"),
        ("[fd12:3456::/32]:443", "[fd12:3456::/32]:443"),
    ],
)
def test_an_entry_has_one_way_of_writing(typed: str, written: str) -> None:
    assert str(parse_rule(typed)) == written
    assert str(parse_rule(written)) == written


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "no host name"),
        ("*", "no host name"),
        ("*.com", "every host under com"),
        ("pro xy", "no host name"),
        ("-proxy.example", "no host name"),
        ("a..b", "no host name"),
        ("x" * 64 + ".example", "no host name"),
        ("proxy.*.example", "no host name"),
        ("https://proxy.example", "without https"),
        ("user@proxy.example", "without user"),
        ("proxy.example:", "colon without a port"),
        ("proxy.example:0", "no port"),
        ("proxy.example:65536", "no port"),
        ("proxy.example:³", "no port"),
        ("[2001:db8::1", "brackets|cannot be read"),
        ("[2001:db8::1]443", "cannot be read"),
        ("10.1.2.3/8", "Write 10.0.0.0/8"),
        ("10.0.0.0/33", "no address or network"),
        ("proxy.example/24", "no address or network"),
        # What would open this machine, a metadata service or nobody's address.
        ("localhost", "this machine itself"),
        ("LOCALHOST.:80", "this machine itself"),
        ("some.localhost", "this machine itself"),
        ("127.0.0.1", "this machine itself"),
        ("127.0.0.0/8", "this machine itself"),
        ("126.0.0.0/7", "would open 127.0.0.0/8"),
        ("[::1]:3128", "this machine itself"),
        ("0.0.0.0/0", "would open"),
        ("::/0", "would open"),
        ("0.0.0.0", "taken for this machine"),  # noqa: S104
        ("::", "taken for this machine"),
        ("169.254.169.254", "metadata"),
        ("169.254.0.0/16", "metadata"),
        ("168.0.0.0/7", "would open"),
        ("fd00:ec2::254", "metadata"),
        ("fd00::/8", "would open fd00:ec2::254"),
        ("fe80::1", "link-local"),
        ("100.64.0.0/10", "would open 100.100.100.200"),
        ("metadata.google.internal", "metadata"),
        ("*.google.internal", "would open metadata.google.internal"),
        ("224.0.0.1", "multicast"),
        ("255.255.255.255", "broadcast"),
        ("::ffff:10.0.0.1", "written as IPv6"),
        ("2130706433", "no address"),
        ("0x7f000001", "no address"),
        ("0177.0.0.1", "no address"),
        ("127.1", "no address"),
        ("1.2.3.4.5", "no address"),
    ],
)
def test_an_entry_that_cannot_be_taken_says_why(typed: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as said:
        parse_rule(typed)
    assert str(said.value).endswith(".")


def test_what_an_entry_names() -> None:
    rules = allowed("proxy.example", "*.company.example:3128")
    assert rules.names("PROXY.example.", 1)
    assert not rules.names("a.proxy.example", 1)
    assert rules.names("a.b.company.example", 3128)
    assert not rules.names("a.company.example", 3129)
    assert not rules.names("company.example", 3128)
    assert not rules.names("evilcompany.example", 3128)
    assert not rules.names("company.example.evil", 3128)
    assert allowed("10.0.0.0/8:3128").covers(ip_address("10.9.9.9"), 3128)
    assert not allowed("10.0.0.0/8:3128").covers(ip_address("10.9.9.9"), 22)
    assert not allowed("10.0.0.0/8").covers(ip_address("11.0.0.1"), 3128)
    assert not allowed("10.0.0.0/8").covers(ip_address("::a00:1"), 3128)


def test_who_named_a_host_decides_about_its_addresses() -> None:
    assert refused("proxy.example", PUBLIC, Standing.TYPED)
    assert not refused("proxy.example", PUBLIC, Standing.TYPED, "proxy.example")
    assert not refused("proxy.example", PRIVATE, Standing.TYPED, "proxy.example")
    assert not refused("proxy.example", PRIVATE, Standing.TYPED, "10.0.0.0/8")
    assert refused("proxy.example", PRIVATE, Standing.TYPED, "proxy.example:80", "192.168.0.0/16")
    assert not refused("api.example", PUBLIC, Standing.PUBLIC)
    assert refused("api.example", PRIVATE, Standing.PUBLIC)
    assert refused("api.example", "fd12::1", Standing.PUBLIC)
    assert not refused("api.example", PRIVATE, Standing.PUBLIC, "api.example")
    assert not refused("api.example", PRIVATE, Standing.FILE)
    assert not refused("mail.example", PRIVATE, Standing.SETTING)
    assert refused("127.0.0.1", PUBLIC, Standing.SANDBOX)
    assert refused("sandbox.example", PRIVATE, Standing.SANDBOX)


def test_this_machine_is_opened_for_the_sandbox_and_a_setting_that_say_so() -> None:
    for standing in Standing:
        says_so = standing in (Standing.SANDBOX, Standing.SETTING)
        assert refused("127.0.0.1", "127.0.0.1", standing) is not says_so
        assert refused("::1", "::1", standing) is not says_so
        assert refused("localhost", "127.0.0.1", standing) is not says_so
        assert refused("mail.example", "127.0.0.1", standing, "mail.example"), "a name must not lead there"
        assert refused("localhost", METADATA, standing)


def test_one_bad_address_among_good_ones_refuses_the_host() -> None:
    addresses = [ip_address(PUBLIC), ip_address("127.0.0.1")]
    assert refusal("proxy.example", 1, addresses, Standing.TYPED, allowed("proxy.example"))


def test_a_refusal_says_what_and_what_to_do() -> None:
    private = refusal("api.example", 443, [ip_address(PRIVATE)], Standing.PUBLIC, NOTHING)
    assert private and "10.20.30.40" in private.what and "Ask an administrator" in private.mend
    never_this = refusal("api.example", 443, [ip_address(METADATA)], Standing.FILE, NOTHING)
    assert never_this and "metadata service" in never_this.what and "nobody can allow" in never_this.mend


@pytest.mark.parametrize(
    "host",
    ["2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "1.1.1.1.1", "0X7F.0.0.1", "127.0.0.01", "127.1."],
)
def test_an_odd_form_of_an_address_is_no_host(host: str) -> None:
    assert odd_address(host)
    assert literal_refusal(host)


@pytest.mark.parametrize("host", ["10.0.0.1", "proxy1", "a.b2", "1e100.net", "::1", "[::1]", "3com.example", "x0x7f"])
def test_a_usual_host_is_no_odd_form(host: str) -> None:
    assert not odd_address(host)


def test_literals_that_are_never_opened() -> None:
    for host in ("127.0.0.1", "[::1]", "localhost", "LOCALHOST.", "169.254.169.254", "::ffff:127.0.0.1", "0.0.0.1"):
        assert literal_refusal(host), host
    for host in ("10.0.0.1", PUBLIC, "[2001:db8::1]", "proxy.example"):
        assert literal_refusal(host) is None, host
    assert says_this_machine("[::1]") and not says_this_machine("::ffff:127.0.0.1")


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"],
)
def test_no_metadata_service_is_opened_for_anybody(address: str) -> None:
    for standing in Standing:
        assert refusal("name.example", 80, [ip_address(address)], standing, allowed("name.example")), standing
    assert literal_refusal(address)


NEVER_V4 = [network for network, _ in NEVER if network.version == 4]


@given(some.sampled_from(NEVER_V4).flatmap(lambda one: some.integers(int(one[0]), int(one[-1]))).map(IPv4Address))
def test_no_ipv6_form_of_an_address_opens_it(address: IPv4Address) -> None:
    number = int(address)
    forms = [
        address,
        IPv6Address((0xFFFF << 32) | number),  # mapped
        IPv6Address(number),  # compatible, once
        IPv6Address((0x64_FF9B << 96) | number),  # NAT64
        IPv6Address((0x64_FF9B_0001 << 80) | number),  # NAT64 of a network's own
        IPv6Address((0x2002 << 112) | (number << 80) | 1),  # 6to4
        IPv6Address((0x2001_0000 << 96) | (0xFFFFFFFF ^ number)),  # Teredo's client
    ]
    for form in forms:
        assert never(form), form
        for standing in Standing:
            assert refusal("name.example", 443, [form], standing, allowed("name.example"))


def test_an_ipv6_form_of_a_private_address_is_private() -> None:
    assert is_private(ip_address("64:ff9b::a00:1"))
    assert is_private(ip_address("64:ff9b:1::808:808"))
    assert is_private(ip_address("fec0::1"))
    assert is_private(ip_address("100.64.0.1"))
    assert not is_private(ip_address("64:ff9b::808:808"))
    assert not is_private(ip_address("2606:4700::1"))
