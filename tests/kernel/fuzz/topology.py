"""Where the router under test stands: its interfaces, its addresses, and where it sends what.

    hosts ── lan0 ┐
    hosts ── lan1 ┼ router ── wan0 ── hosts

No other host has an address: their packets are made by hand.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import NamedTuple

from rulec.model import Family

LINKS = ("lan0", "lan1", "wan0")
HARDWARE = {name: bytes((2, 0, 0, 0, 0, number)) for number, name in enumerate(LINKS, 1)}
"""The hardware address of the router on each link."""


def number(text: str) -> int:
    """An address as a number."""
    return int(ip_address(text))


class Route(NamedTuple):
    """Where packets to a network go; ``kind`` is the type of its addresses, ``dead`` is set where no packet gets.

    For IPv4 such an address counts as UNICAST: a lookup that ends with an error
    tells no type (fib_frontend.c, __inet_dev_addr_type; measured).
    """

    first: int
    last: int
    kind: str
    link: str = ""
    dead: bool = False


def _route(network: str, kind: str, link: str = "", dead: bool = False) -> Route:
    net = ip_network(network)
    return Route(int(net.network_address), int(net.broadcast_address), kind, link, dead)


ADDRESSES = {
    Family.IPV4: {
        "lan0": ("192.0.2.1/24",),
        "lan1": ("172.16.0.1/16",),
        "wan0": ("198.51.100.1/24",),
        "lo": ("10.0.0.1/32", "10.0.0.2/32"),
    },
    Family.IPV6: {
        "lan0": ("2001:db8:1::1/64",),
        "lan1": ("2001:db8:2::1/64",),
        "wan0": ("2001:db8:3::1/64",),
        "lo": ("fd00::1/128", "fd00::2/128"),
    },
}
"""The addresses of the router."""


def own_address(family: Family, link: str) -> int:
    """The first address of the router on a link."""
    return number(ADDRESSES[family][link or "lo"][0].partition("/")[0])


SPECIAL = {
    Family.IPV4: (
        ("203.0.113.64/26", "blackhole"),
        ("203.0.113.128/26", "unreachable"),
        ("203.0.113.192/26", "prohibit"),
    ),
    Family.IPV6: (
        ("2001:db8:b::/64", "blackhole"),
        ("2001:db8:c::/64", "unreachable"),
        ("2001:db8:d::/64", "prohibit"),
    ),
}
"""Routes to nowhere."""

ROUTES = {
    Family.IPV4: (
        _route("192.0.2.1/32", "LOCAL"),
        _route("172.16.0.1/32", "LOCAL"),
        _route("198.51.100.1/32", "LOCAL"),
        _route("10.0.0.1/32", "LOCAL"),
        _route("10.0.0.2/32", "LOCAL"),
        _route("127.0.0.0/8", "LOCAL"),
        _route("192.0.2.255/32", "BROADCAST", "lan0"),
        _route("172.16.255.255/32", "BROADCAST", "lan1"),
        _route("198.51.100.255/32", "BROADCAST", "wan0"),
        _route("255.255.255.255/32", "BROADCAST"),
        _route("224.0.0.1/32", "MULTICAST"),
        _route("224.0.0.0/4", "MULTICAST", dead=True),
        _route("203.0.113.64/26", "UNICAST", dead=True),
        _route("203.0.113.128/26", "UNICAST", dead=True),
        _route("203.0.113.192/26", "UNICAST", dead=True),
        _route("192.0.2.0/24", "UNICAST", "lan0"),
        _route("172.16.0.0/16", "UNICAST", "lan1"),
        _route("0.0.0.0/0", "UNICAST", "wan0"),
    ),
    Family.IPV6: (
        _route("2001:db8:1::1/128", "LOCAL"),
        _route("2001:db8:2::1/128", "LOCAL"),
        _route("2001:db8:3::1/128", "LOCAL"),
        _route("fd00::1/128", "LOCAL"),
        _route("fd00::2/128", "LOCAL"),
        _route("::1/128", "LOCAL"),
        _route("2001:db8:1::/128", "ANYCAST"),
        _route("2001:db8:2::/128", "ANYCAST"),
        _route("2001:db8:3::/128", "ANYCAST"),
        _route("ff02::1/128", "MULTICAST"),
        _route("ff02::2/128", "MULTICAST"),
        _route("ff00::/128", "ANYCAST", dead=True),
        _route("ff00::/8", "MULTICAST", dead=True),
        _route("2001:db8:b::/64", "UNREACHABLE", dead=True),
        _route("2001:db8:c::/64", "UNREACHABLE", dead=True),
        _route("2001:db8:d::/64", "UNREACHABLE", dead=True),
        _route("2001:db8:1::/64", "UNICAST", "lan0"),
        _route("2001:db8:2::/64", "UNICAST", "lan1"),
        _route("::/0", "UNICAST", "wan0"),
    ),
}
"""The routing table, the most special first."""


def route(family: Family, address: int) -> Route:
    """The route that packets to an address take."""
    return next(one for one in ROUTES[family] if one.first <= address <= one.last)


LOCAL = {family: tuple(one.first for one in ROUTES[family] if one.kind == "LOCAL")[:5] for family in Family}
"""Addresses of the router."""

_HOSTS = {
    Family.IPV4: {
        "lan0": ("192.0.2.2", "192.0.2.3", "192.0.2.128", "192.0.2.254"),
        "lan1": ("172.16.0.2", "172.16.1.1", "172.16.128.0", "172.16.255.254"),
        "wan0": ("198.51.100.2", "198.51.100.77", "8.8.8.8", "10.0.0.3", "203.0.113.5", "11.255.255.255"),
    },
    Family.IPV6: {
        "lan0": ("2001:db8:1::2", "2001:db8:1::3", "2001:db8:1::8000", "2001:db8:1:0:ffff:ffff:ffff:ffff"),
        "lan1": ("2001:db8:2::2", "2001:db8:2::1:1", "2001:db8:2:0:8000::"),
        "wan0": ("2001:db8:3::2", "2001:db8:3::77", "2600::8", "fd00::3", "fd00:ffff::1"),
    },
}
HOSTS = {family: {link: tuple(map(number, texts)) for link, texts in links.items()} for family, links in _HOSTS.items()}
"""Addresses of others, by the link behind which they live."""

GROUPS = {
    Family.IPV4: tuple(map(number, ("224.0.0.1", "255.255.255.255", "192.0.2.255"))),
    Family.IPV6: tuple(map(number, ("ff02::1", "2001:db8:1::"))),
}
"""Addresses of many, which the router takes for its own."""

NOWHERE = {
    Family.IPV4: tuple(map(number, ("203.0.113.70", "203.0.113.130", "203.0.113.200"))),
    Family.IPV6: tuple(map(number, ("2001:db8:b::1", "2001:db8:c::1", "2001:db8:d::1"))),
}
"""Addresses to which no packet gets."""

OF_TWO_TYPES = frozenset(map(number, ("2001:db8:b::", "2001:db8:c::", "2001:db8:d::")))
"""Of the first address of a network that a route leads nowhere the kernel says two types at once."""
