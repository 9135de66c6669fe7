"""The fields of a packet, and of what the kernel knows about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rulec.packetset.names import Classes, Macs, Names
from rulec.packetset.space import Field

FLAGS = {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32, "ECE": 64, "CWR": 128}
"""The bits of ``tcp_flags``, as they stand in the header."""

TRACKED_STATES = ("NEW", "ESTABLISHED", "RELATED", "INVALID")
"""What connection tracking says of a packet that it looks at: ``ctstate``."""

STATES = (*TRACKED_STATES, "UNTRACKED")
"""What ``-m conntrack --ctstate`` can see: the field ``state``, which rules and hooks set."""

PRIORS = ("nothing", "connection", "untracked")
"""What a packet has attached when it comes to raw: on the loopback, and from the kernel itself, it may be something."""

STATUS = {"EXPECTED": 1, "SEEN_REPLY": 2, "ASSURED": 4, "CONFIRMED": 8}
"""The bits of ``ctstatus``."""

ADDRESS_TYPES = (
    "UNSPEC", "UNICAST", "LOCAL", "BROADCAST", "ANYCAST", "MULTICAST",
    "BLACKHOLE", "UNREACHABLE", "PROHIBIT", "THROW", "NAT", "XRESOLVE",
)  # fmt: skip
"""The types of a route, as linux/rtnetlink.h counts them."""

PACKET_TYPES = ("unicast", "broadcast", "multicast", "otherhost")
"""To whom the link layer sent the frame."""

EXTENSION_HEADERS = ("hop", "dst", "route", "frag", "auth")
"""The IPv6 extension headers; ``has_hop`` and so on say whether a packet has one.  ESP is a protocol."""

_TRANSLATION = ("ctstate", "ctdir", "snat", "dnat", "first", "prior")
_CONNECTION = ("has_socket", "later_fragment", "more_fragments")
_SOURCE = ("src", "mac", "has_mac")
_DESTINATION = ("dst", "repl_src", "orig_src")
_PORTS = ("tcp_flags", "dport", "repl_sport", "orig_sport", "sport", "icmp_type", "icmp_code")
_TUPLES = ("orig_proto", "orig_dst", "orig_dport", "repl_dst", "repl_dport")
_INNER = ("inner_proto", "inner_src", "inner_dst", "inner_sport", "inner_dport")
_OTHERS = (
    "physin", "physout", "bridged", "dst_type", "src_type", "pkttype", "mark", "connmark", "tos", "ttl", "length",
    "ctstatus", "ctexpire", *_TUPLES, *_INNER, "sctp_chunk", "sctp_more", "dccp_type", "spi", "ah_spi",
    "mss", "has_mss", "uid", "gid", *(f"has_{header}" for header in EXTENSION_HEADERS),
    "rt_type", "rt_left", "rt_len", "frag_id", "frag_reserved", "hop_len", "dst_len", "ah_len", "ah_reserved",
    "mh_type",
)  # fmt: skip

ORDERS: dict[str, tuple[str, ...]] = {
    "interfaces": (*_TRANSLATION, "iif", *_SOURCE, "oif", *_DESTINATION, "proto", *_CONNECTION, *_PORTS, *_OTHERS),
    "destination": (*_TRANSLATION, *_DESTINATION, "proto", *_PORTS, *_SOURCE, "iif", "oif", *_CONNECTION, *_OTHERS),
    "source": (*_TRANSLATION, *_SOURCE, *_DESTINATION, "iif", "oif", "proto", *_CONNECTION, *_PORTS, *_OTHERS),
}
"""Orders of the variables: which one fits depends on what the rules tell apart first.

On top stands what decides whether an address is the packet's own or comes from
its connection, or from NAT; further down it would double all that lies above
it.  The addresses among which it decides stand side by side.
"""

_GUESSES_BEFORE = {
    "": {"dst_moves": 1, "dport_moves": 1, "src_moves": 1, "sport_moves": 1},
    "repl_src": {"to_dst": 0},
    "repl_sport": {"to_dport": 16},
    "dst_type": {"to_type": 4, "dst_differs": 1, "to_src": 0, "to_sport": 16, "src_differs": 1},
}
"""What nobody can know of a packet that NAT rewrites: before which field it stands, its bits, 0 for an address."""

CHOICES = {
    "ctstate": TRACKED_STATES,
    "prior": PRIORS,
    "ctdir": ("ORIGINAL", "REPLY"),
    "src_type": ADDRESS_TYPES,
    "dst_type": ADDRESS_TYPES,
    "pkttype": PACKET_TYPES,
}
"""The fields whose numbers stand for words."""

_BITS = {
    "proto": 8, "sport": 16, "dport": 16, "tcp_flags": 8, "icmp_type": 8, "icmp_code": 8,
    "mark": 32, "connmark": 32, "tos": 8, "ttl": 8, "length": 16, "ctstatus": 4, "ctexpire": 32,
    "orig_proto": 8, "orig_sport": 16, "orig_dport": 16, "repl_sport": 16, "repl_dport": 16,
    "inner_proto": 8, "inner_sport": 16, "inner_dport": 16, "sctp_chunk": 8, "dccp_type": 4, "spi": 32, "ah_spi": 32,
    "mss": 16, "uid": 32, "gid": 32, "rt_type": 8, "rt_left": 8, "rt_len": 8, "frag_id": 32, "frag_reserved": 8,
    "hop_len": 8, "dst_len": 8, "ah_len": 8, "ah_reserved": 16, "mh_type": 8,
}  # fmt: skip
ADDRESSES = frozenset(("src", "dst", "orig_src", "orig_dst", "repl_src", "repl_dst", "inner_src", "inner_dst"))
"""The fields that hold an address."""

INTERFACES = frozenset(("iif", "oif", "physin", "physout"))
"""The fields that hold the name of an interface."""

NAMES = frozenset(ORDERS["interfaces"])
"""All fields."""


def fields(
    address_bits: int,
    interfaces: Iterable[str] = (),
    order: str = "interfaces",
    rulesets: Iterable[str] = ("",),
    macs: Iterable[str] = (),
) -> list[Field]:
    """All fields, in one of the ORDERS.

    ``interfaces`` are the names and patterns to tell apart, ``macs`` the addresses.
    For each of the named ``rulesets`` there is room for what its NAT makes of a
    packet: nobody can know which port or address of a range it takes.
    """
    classes: dict[str, Classes] = {**dict.fromkeys(INTERFACES, Names({*interfaces, "lo"})), "mac": Macs(macs)}
    rulesets = tuple(rulesets)
    found = list(_guesses("", address_bits, rulesets))
    for name in ORDERS[order]:
        found += [*_guesses(name, address_bits, rulesets), _field(name, address_bits, classes.get(name))]
    return found


def guessed_names(ruleset: str) -> tuple[str, ...]:
    """The fields that hold what the NAT of a ruleset makes of a packet."""
    return tuple(name + ruleset for guesses in _GUESSES_BEFORE.values() for name in guesses)


def _guesses(before: str, address_bits: int, rulesets: tuple[str, ...]) -> Iterator[Field]:
    for ruleset in rulesets:
        for name, bits in _GUESSES_BEFORE.get(before, {}).items():
            yield Field(name + ruleset, bits or address_bits, guessed=True)


def width(name: str, address_bits: int) -> int:
    """The bits of a field that holds no name."""
    if name in CHOICES:
        return (len(CHOICES[name]) - 1).bit_length()
    return address_bits if name in ADDRESSES else _BITS.get(name, 1)


def _field(name: str, address_bits: int, names: Classes | None) -> Field:
    if names is not None:
        return Field(name, names.bits, names=names)
    return Field(name, width(name, address_bits), CHOICES.get(name, ()))
