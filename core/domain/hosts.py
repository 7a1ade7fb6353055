"""Hosts that this program may connect to: what an entry of the allow-list means, and what is never opened."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

RULE_FORM = "proxy.company.example, *.company.example, 10.1.2.3 or 10.1.0.0/16; with :3128 behind it for one port only"
_MACHINE = "this machine itself"
_LINK_LOCAL = "link-local, where clouds hand out keys (metadata service)"
_METADATA = "the metadata service of a cloud"
_NOBODY = "the address of no host"
NEVER: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(network), what)
    for network, what in (
        ("127.0.0.0/8", _MACHINE),
        ("::1/128", _MACHINE),
        ("0.0.0.0/8", f"{_NOBODY}, taken for this machine"),
        ("::/128", f"{_NOBODY}, taken for this machine"),
        ("169.254.0.0/16", _LINK_LOCAL),
        ("fe80::/10", _LINK_LOCAL),
        ("fd00:ec2::254/128", _METADATA),
        ("fd20:ce::254/128", _METADATA),
        ("100.100.100.200/32", _METADATA),
        ("168.63.129.16/32", _METADATA),
        ("192.0.0.192/32", _METADATA),
        ("224.0.0.0/4", "multicast"),
        ("ff00::/8", "multicast"),
        ("240.0.0.0/4", "reserved or broadcast"),
        ("::ffff:0:0/96", "an IPv4 address written as IPv6"),
        ("::/96", "an IPv4 address written as IPv6"),
    )
)
"""Never connected to, whatever is allowed, and what each is. The sandbox, and a mail server that the environment names
as being on this machine, are the exceptions: see `Standing`."""

_LOCAL_NAT64 = ip_network("64:ff9b:1::/48")
_NAT64 = (ip_network("64:ff9b::/96"), _LOCAL_NAT64)
_PRIVATE = (ip_network("fec0::/10"), _LOCAL_NAT64)
"""Private networks that Python takes for public ones (RFC 3879, RFC 8215)."""
_LOCAL_NAMES = ("localhost", "localhost.localdomain", "localhost4", "localhost6", "ip6-localhost", "ip6-loopback")
_METADATA_NAMES = ("metadata", "metadata.google.internal", "metadata.goog", "instance-data.ec2.internal")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


class Standing(Enum):
    """Who named a host, and so which of its addresses may be connected to."""

    TYPED = "typed"  # whoever fills a form: what the allow-list has
    PUBLIC = "public"  # this program's own list of Regions: public addresses, others as the allow-list has them
    FILE = "file"  # an administrator's Regions file: private addresses too
    SETTING = "setting"  # an administrator's environment: this machine too, when it is written as such
    SANDBOX = "sandbox"  # the sandbox's own file: this machine and nothing else


@dataclass(frozen=True)
class HostRule:
    """An entry of the allow-list: a host by `name`, with `below` every name under it, or a `network`, which is a single
    address at its smallest; on one `port` or on all."""

    name: str = ""
    below: bool = False
    network: Network | None = None
    port: int | None = None

    def __str__(self) -> str:
        """As it is stored and shown."""
        if self.network is None:
            host = f"*.{self.name}" if self.below else self.name
        else:
            single = self.network.prefixlen == self.network.max_prefixlen
            host = str(self.network.network_address if single else self.network)
            host = f"[{host}]" if self.port and self.network.version == 6 else host
        return f"{host}:{self.port}" if self.port else host


@dataclass(frozen=True)
class Allowed:
    """The allow-list. Without entries nothing that a form names may be connected to."""

    rules: tuple[HostRule, ...] = ()

    def names(self, host: str, port: int) -> bool:
        """Whether an entry names this host, on this port."""
        name = plain_host(host)
        return any(
            (name.endswith(f".{rule.name}") if rule.below else name == rule.name)
            for rule in self.rules
            if rule.network is None and rule.port in (None, port)
        )

    def covers(self, address: Address, port: int) -> bool:
        """Whether an entry's network has this address, on this port."""
        return any(
            rule.network is not None and rule.network.version == address.version and address in rule.network
            for rule in self.rules
            if rule.port in (None, port)
        )

    @property
    def has_networks(self) -> bool:
        """Whether a name that is not listed may yet have an address that is."""
        return any(rule.network for rule in self.rules)


NOTHING = Allowed()
"""The list without entries."""


@dataclass(frozen=True)
class Refusal:
    """Why a host is not connected to, and what to do."""

    what: str
    mend: str


class NeverOpenedError(ValueError):
    """An entry that would open what is never opened. The text is for the user."""


def parse_rule(text: str) -> HostRule:
    """Read an entry of the allow-list as typed.

    Raises ValueError with a message for the user, and NeverOpenedError for what nobody can allow."""
    text = text.strip().lower()
    if "://" in text or "@" in text:
        raise ValueError("An entry is a host alone, without https:// and without user and password.")
    host, port = _split(text)
    if "/" in host or odd_address(host) or _literal(host):
        return _network_rule(host, port)
    below = host.startswith("*.")
    name = plain_host(host.removeprefix("*."))
    labels = name.split(".")
    if not name or len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"{text or 'An empty text'} is no host name, address or network.")
    if below and len(labels) < 2:
        raise ValueError(f"*.{name} would open every host under {name}. Name a company's own domain, or single hosts.")
    for closed, what in ((_LOCAL_NAMES, _MACHINE), (_METADATA_NAMES, _METADATA)):
        for one in closed:
            if one == name or name.endswith(".localhost") or (below and one.endswith(f".{name}")):
                told = f"would open {one}, which is" if below else "is"
                raise NeverOpenedError(f"{host} {told} {what}: that is never connected to.")
    return HostRule(name=name, below=below, port=port)


def refusal(host: str, port: int, addresses: Iterable[Address], standing: Standing, allowed: Allowed) -> Refusal | None:
    """Why a host with these addresses is not connected to; None when each of them may be."""
    here = says_this_machine(host) and standing in (Standing.SETTING, Standing.SANDBOX)
    named = allowed.names(host, port)
    for address in addresses:
        if here and address.is_loopback:
            continue
        what = never(address)
        if what:
            return never_opened(host, address, what)
        if standing is Standing.SANDBOX:
            return never_opened(host, address, "not on this machine, where the sandbox is")
        listed = named or allowed.covers(address, port)
        if standing is Standing.TYPED and not listed:
            return not_listed(host, port)
        if is_private(address) and not listed and standing in (Standing.TYPED, Standing.PUBLIC):
            return Refusal(
                f"{host} has the address {address} here, which is no public one, and it is not on the list of allowed "
                "hosts.",
                f"Look whether the name is right. {_ask_for(host)}",
            )
    return None


def never(address: Address) -> str:
    """What an address is that is never connected to; empty for every other one."""
    for form in _forms(address):
        for network, what in NEVER:
            if network.version == form.version and form in network:
                return what
    return ""


def is_private(address: Address) -> bool:
    """Whether an address is not one of the public internet's."""
    return any(
        not form.is_global or (form.version == 6 and any(form in network for network in _PRIVATE))
        for form in _forms(address)
    )


def says_this_machine(host: str) -> bool:
    """Whether a host is written as this machine itself: `localhost`, or a loopback address."""
    literal = _literal(plain_host(host))
    if isinstance(literal, IPv6Address):
        return literal == IPv6Address("::1")
    return literal.is_loopback if literal else plain_host(host) == "localhost"


def literal_refusal(host: str) -> Refusal | None:
    """Why a host that is an address is never connected to, whoever names it; None for a name and for other
    addresses."""
    if odd_address(host):
        return never_opened(host, None, "")
    literal = _literal(plain_host(host))
    what = never(literal) if literal else ""
    if literal is None and says_this_machine(host):
        what = _MACHINE
    return never_opened(host, literal, what) if what else None


def odd_address(host: str) -> bool:
    """Whether a host is an IPv4 address in a form that only some programs read as one: `2130706433`, `0x7f.1`,
    `0177.0.0.1`. What ends in a number can be no name."""
    name = plain_host(host)
    return bool(_NUMBER.fullmatch(name.rpartition(".")[2])) and _literal(name) is None


def plain_host(host: str) -> str:
    """A host as it is compared: small letters, ASCII, without brackets and without the dot of the root."""
    host = host.strip("[]").lower().rstrip(".")
    try:
        return host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        return host


def never_opened(host: str, address: Address | None, what: str) -> Refusal:
    """The refusal of an address that nobody can allow."""
    if not what:
        told = f"{host} is an address in a form that is not read here."
        return Refusal(told, "Write an address as four numbers, such as 192.0.2.10, or give the host's name.")
    itself = address is None or str(address) == plain_host(host)
    told = f"{host} is {what}" if itself else f"{host} is {address} here: {what}"
    return Refusal(f"{told}. That is never connected to.", "Give the host that is meant; nobody can allow this one.")


def not_listed(host: str, port: int) -> Refusal:
    """The refusal of a host that a form names and no entry does."""
    return Refusal(f"The host {host} (port {port}) is not on the list of allowed hosts.", _ask_for(host))


def _ask_for(host: str) -> str:
    return f"Ask an administrator to allow {host} (Administration, Allowed hosts)."


def _split(text: str) -> tuple[str, int | None]:
    """An entry's host, and its port if any. IPv6 stands in brackets when a port follows."""
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        port = rest.removeprefix(":") if rest.startswith(":") else ""
        if not closed or (rest and not port):
            raise ValueError(f"{text} cannot be read. Write an IPv6 address with its port like [2001:db8::1]:3128.")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
        if not port:
            raise ValueError(f"{text} ends in a colon without a port.")
    else:
        host, port = text, ""
    if not port:
        return host, None
    if not (port.isascii() and port.isdigit() and 1 <= int(port[:6]) <= 65535):
        raise ValueError(f"{port} is no port: a port is a number from 1 to 65535.")
    return host, int(port)


def _network_rule(host: str, port: int | None) -> HostRule:
    if odd_address(host.partition("/")[0]):
        raise ValueError(f"{host} is no address. Write it as four numbers from 0 to 255, such as 192.0.2.10.")
    try:
        network = ip_network(host)
    except ValueError as error:
        if "host bits" in str(error):
            right = ip_network(host, strict=False)
            raise ValueError(f"{host} is an address inside a network. Write {right}, or the address alone.") from None
        raise ValueError(f"{host} is no address or network, such as 10.1.2.3 or 10.1.0.0/16.") from None
    for closed, what in NEVER:
        if closed.version == network.version and network.overlaps(closed):
            single = closed.network_address if closed.prefixlen == closed.max_prefixlen else closed
            if network.subnet_of(closed):  # type: ignore[arg-type]
                raise NeverOpenedError(f"{host} is {what}: that is never connected to.")
            told = f"{host} would open {single}, which is {what}: that is never connected to."
            raise NeverOpenedError(f"{told} Name smaller networks, or hosts.")
    return HostRule(network=network, port=port)


def _forms(address: Address) -> Iterator[Address]:
    """An address, and the IPv4 address that it stands for on the way (NAT64, 6to4, Teredo)."""
    yield address
    if isinstance(address, IPv6Address):
        if any(address in network for network in _NAT64):
            yield IPv4Address(int(address) & 0xFFFFFFFF)
        if address.sixtofour:
            yield address.sixtofour
        if address.teredo:
            yield from address.teredo


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
