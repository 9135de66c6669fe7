"""What makes a packet believable: sets of packets in the order in which a person would choose from them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from rulec.model.protocols import DCCP, ESP, ICMP, ICMPV6, SCTP, TCP, UDP, UDPLITE
from rulec.model.services import services
from rulec.packetset.fields import ADDRESS_TYPES, FLAGS, TRACKED_STATES
from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Space

WITH_PORTS = frozenset((TCP, UDP, UDPLITE, SCTP, DCCP))
"""The protocols that have ports."""

_PLAIN = {
    "prior": 0, "first": 1, "snat": 0, "dnat": 0, "bridged": 0, "has_mac": 0, "has_socket": 0,
    "physin": 0, "physout": 0,
}  # fmt: skip

_TYPES = ("icmp_type", "icmp_code")

_EXAMPLES = {
    32: ({"src": "198.51.100.7", "dst": "192.0.2.1"}, ("198.51.100.0/24", "203.0.113.0/24", "192.0.2.0/24")),
    128: ({"src": "2001:db8::7", "dst": "2001:db8::1"}, ("2001:db8::/32", "3fff::/20")),
}
"""One address each, and the networks that are set aside for examples (RFC 5737, 3849, 9637)."""

_PUBLIC_BESIDES = {
    32: (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3",
    ),
    128: ("::/3", "2001::/23", "2002::/16", "4000::/2", "8000::/1"),
}  # fmt: skip
"""What is not public (the special-purpose registries of IANA, RFC 6890)."""

_PRIVATE = {32: ("192.168.0.0/16", "10.0.0.0/8", "172.16.0.0/12"), 128: ("fc00::/7", "fe80::/10")}
_STRANGE = {32: ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3"), 128: ("::/8", "ff00::/8")}
_LOOPBACK = {32: "127.0.0.1", 128: "::1"}
_NO_HOST = {32: (0xFF, (0, 0xFF)), 128: (0xFFFF, (0,))}
"""The low bits of an address, and what in them looks like no host."""

_KNOWN_PORTS = {TCP: (80, 443, 22, 25, 8080), UDP: (53, 123, 443)}
_HARDWARE = re.compile(r"(eth|en[opsx]|wan|lan|wl|bond|ppp)[\w.]*$")


class Option(NamedTuple):
    """Packets to choose from, and the number that a field should be close to, or that it is in all of them."""

    packets: PacketSet
    near: int
    exact: bool = False


class Story(NamedTuple):
    """A packet of a connection: its state, its direction, and one field that goes with them."""

    state: str
    reply: int
    field: str = ""
    numbers: tuple[int, ...] = ()


class Told(NamedTuple):
    """The packets of a protocol, and the stories that one would believe of them."""

    protocol: PacketSet
    stories: tuple[PacketSet, ...]


class Wishes:
    """The wishes of one space, made when they are first asked for."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.bits = space.fields["src"].bits
        self.plain = [space.only({name: number}) for name, number in _PLAIN.items()]
        self.all_plain = space.only(_PLAIN)
        self.whole = space.only({"later_fragment": 0})
        self.told = [self._told(name, number) for name, number in self._protocols().items()]
        self.possible = self._stories(_POSSIBLE)
        self.protocols = [Option(space.field("proto").among((SCTP, ESP, 47)), 47), Option(space.everything, 47)]
        kinds = [ADDRESS_TYPES.index(name) for name in ("UNICAST", "LOCAL", "MULTICAST")]
        self.kinds = [*(self._exactly("dst_type", kind) for kind in kinds), Option(space.everything, kinds[-1])]
        self._addresses = {name: list(self._address(name)) for name in ("src", "dst")}

    # ── what it is ──

    def _protocols(self) -> dict[str, int]:
        return {"tcp": TCP, "udp": UDP, f"icmp{self.bits}": ICMP if self.bits == 32 else ICMPV6}

    def _told(self, name: str, number: int) -> Told:
        """No packet has ports, flags or types of a protocol that it is not of."""
        absent = {"tcp": _TYPES, "udp": ("tcp_flags", *_TYPES)}.get(name, ("tcp_flags", "sport", "dport"))
        protocol = self.space.only({"proto": number, **dict.fromkeys(absent, 0)})
        return Told(protocol, tuple(story & protocol & self.whole for story in self._stories(_BELIEVABLE[name])))

    def _stories(self, stories: Iterable[Story]) -> tuple[PacketSet, ...]:
        field = self.space.field
        return tuple(
            field("ctstate").equals(TRACKED_STATES.index(story.state))
            & field("ctdir").equals(story.reply)
            & (field(story.field).among(story.numbers) if story.field else self.space.everything)
            for story in stories
        )

    def flags(self) -> list[Option]:
        """What to wish of ``tcp_flags`` where no story says it."""
        lone = [self._exactly("tcp_flags", flags) for flags in (_SYN, *_STRAY_FLAGS)]
        return [*lone, Option(self.space.everything, _ACK)]

    # ── where it comes from, and goes to ──

    def addresses(self, name: str, loopback: bool) -> list[Option]:
        """What to wish of ``src`` or ``dst``."""
        local = [self._exactly(name, int(ip_address(_LOOPBACK[self.bits])))] if loopback else []
        return local + self._addresses[name]

    def _address(self, name: str) -> Iterator[Option]:
        example, networks = _EXAMPLES[self.bits]
        address = int(ip_address(example[name]))
        yield self._exactly(name, address)
        own_first = sorted(networks, key=lambda network: address not in _numbers(network))
        yield from (self._within(name, [network], address) for network in own_first)
        space, low = self.space, address & 3 if name == "dst" else 2
        public = ~self._networks(name, _PUBLIC_BESIDES[self.bits]) & self._host(name)
        yield Option(public, address)
        yield from (self._within(name, [network], low) for network in _PRIVATE[self.bits])
        sane = ~self._networks(name, _STRANGE[self.bits])
        yield from (Option(sane & self._host(name), low), Option(sane, low), Option(self._host(name), low))
        yield Option(space.everything, low)

    def _within(self, name: str, networks: Iterable[str], near: int) -> Option:
        return Option(self._networks(name, networks) & self._host(name), near)

    def _networks(self, name: str, networks: Iterable[str]) -> PacketSet:
        field = self.space.field(name)
        found = [ip_network(network) for network in networks]
        return self.space.union(field.masked(int(each.network_address), int(each.netmask)) for each in found)

    def _host(self, name: str) -> PacketSet:
        """Addresses that look neither like that of a network nor like a broadcast address."""
        mask, numbers = _NO_HOST[self.bits]
        return ~self.space.union(self.space.field(name).masked(number, mask) for number in numbers)

    # ── the rest ──

    def interfaces(self, name: str, besides: int = 0) -> list[Option]:
        """What to wish of ``iif`` or ``oif``; ``besides`` is a class that is taken only if need be."""
        return self.space.once(("interfaces", name, besides), lambda: self._interfaces(name, besides))

    def _interfaces(self, name: str, besides: int) -> list[Option]:
        names = self.space.fields[name].names
        assert names is not None
        ranks = [
            (example == "lo", number == besides, not example, not _HARDWARE.match(example), label == "+", number)
            for number, (example, label) in enumerate(zip(names.examples, names.labels, strict=True))
        ]
        return [*(self._exactly(name, rank[-1]) for rank in sorted(ranks)), Option(self.space.everything, 0)]

    def is_loopback(self, name: str, number: int) -> bool:
        """Whether an interface is the loopback."""
        names = self.space.fields[name].names
        return names is not None and names.labels[number : number + 1] == ("lo",)

    def destination_ports(self, protocol: int) -> list[Option]:
        """What to wish of ``dport``."""
        field = self.space.field("dport")
        known = [self._exactly("dport", port) for port in _KNOWN_PORTS.get(protocol, ())]
        others = Option(field.among(port for port in services().values() if port < 10000), 0)
        return [*known, others, Option(field.between(1, 65535), 0), Option(self.space.everything, 0)]

    def source_ports(self) -> list[Option]:
        """What to wish of ``sport``."""
        field = self.space.field("sport")
        ranges = ((32768, 60999, 40000), (1024, 65535, 1024), (1, 65535, 1), (0, 65535, 0))
        others = (Option(field.between(low, high), near) for low, high, near in ranges)
        return [self._exactly("sport", 40000), *others]

    def _exactly(self, name: str, number: int) -> Option:
        return Option(self.space.field(name).equals(number), number, exact=True)


def _numbers(network: str) -> range:
    found = ip_network(network)
    return range(int(found.network_address), int(found.broadcast_address) + 1)


_SYN, _ACK = FLAGS["SYN"], FLAGS["ACK"]
_STRAY_FLAGS = (_ACK, FLAGS["RST"], _ACK | FLAGS["FIN"], _ACK | FLAGS["SYN"], _ACK | FLAGS["PSH"])
_ERRORS = {32: (3, 4, 5, 11, 12), 128: (1, 2, 3, 4)}
_BELIEVABLE: dict[str, tuple[Story, ...]] = {
    "tcp": (
        Story("NEW", 0, "tcp_flags", (_SYN,)),
        Story("ESTABLISHED", 0, "tcp_flags", (_ACK,)),
        Story("ESTABLISHED", 1, "tcp_flags", (_ACK, _SYN | _ACK)),
        Story("INVALID", 0, "tcp_flags", (_ACK,)),
    ),
    "udp": (Story("NEW", 0), Story("ESTABLISHED", 0), Story("ESTABLISHED", 1)),
    **{
        f"icmp{bits}": (
            Story("NEW", 0, "icmp_type", (request,)),
            Story("ESTABLISHED", 1, "icmp_type", (reply,)),
            Story("RELATED", 0, "icmp_type", _ERRORS[bits]),
            Story("RELATED", 1, "icmp_type", _ERRORS[bits]),
        )
        for bits, request, reply in ((32, 8, 0), (128, 128, 129))
    },
}
_POSSIBLE = tuple(Story(state, reply) for state in TRACKED_STATES for reply in (0, 1))
