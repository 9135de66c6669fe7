"""Answers to what a ruleset alone leaves open: the bits of a packet, and what stands in the sets of ipset(8)."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

from rulec.model import Family
from rulec.model.protocols import SCTP, TCP, UDP, UDPLITE
from rulec.packetset.fields import ADDRESS_TYPES
from tests.kernel.fuzz.packet import Packet
from tests.kernel.fuzz.topology import HOSTS, LOCAL, route

_SETTLED = frozenset(
    (
        "tcp option", "dccp option", "hop", "dst", "set", "sctp chunks", "helper", "connlabel", "bit", "reaches",
        "connection is counted", "connbytes", "type of address", "DCCP is tracked",
    )
)  # fmt: skip
_PORTED_SETS = (TCP, UDP, UDPLITE, SCTP)


class Members(NamedTuple):
    """What the sets hold for one family: hosts, networks (address and prefix), and pairs of address and TCP port."""

    hosts: tuple[int, ...]
    nets: tuple[tuple[int, int], ...]
    pairs: tuple[tuple[int, int], ...]


def _members(family: Family) -> Members:
    local, hosts = LOCAL[family], HOSTS[family]
    nets = ((hosts["lan0"][0], family.bits // 2), (hosts["wan0"][2], family.bits - 8))
    pairs = ((local[0], 80), (local[0], 443), (hosts["lan0"][0], 22), (hosts["wan0"][0], 80), (hosts["lan1"][0], 1024))
    return Members((local[0], hosts["lan0"][1], hosts["wan0"][0], hosts["lan1"][2]), nets, pairs)


MEMBERS = {family: _members(family) for family in Family}


def question_of(key: Hashable) -> tuple[Any, ...]:
    """The question itself, without where it was asked.

    A question that may be answered otherwise at each look has its look in front,
    each bit of a number its place behind.
    """
    found: Any = key
    while isinstance(found, tuple) and found:
        if isinstance(found[0], str) and found[0] in _SETTLED:
            return found
        if len(found) == 2 and isinstance(found[1], tuple) and found[1] and found[1][0] in _SETTLED:
            return found[1]
        if len(found) == 2 and isinstance(found[1], str) and found[1] in _SETTLED:
            return (found[1],)
        if isinstance(found[0], tuple) and len(found) == 2 and found[0][-1:] == ("type of address",):
            return ("type of address", found[1])
        if isinstance(found[0], str):
            return (found[0],) if found[0] in _SETTLED else ()
        found = found[0]
    return (found,) if found in _SETTLED else ()


def is_settled(key: Hashable) -> bool:
    """Whether there is an answer here."""
    return bool(question_of(key))


def answer(question: tuple[Any, ...], packet: Packet, destination: int, packets: int) -> bool:
    """The answer for one packet.

    ``destination`` is its address once it is routed, ``packets`` how many its
    connection has had.
    """
    kind: str = question[0]
    if kind in _OPTIONS:
        holds: bool = _OPTIONS[kind](packet, question[1])
        return holds
    if kind == "set":
        return _holds(packet, *question[1])
    if kind == "sctp chunks":
        return _chunks(packet, question[1])
    if kind == "bit":
        return _bit(packet, question[1].name, question[2])
    if kind == "reaches":
        end: int = question[2]
        return _begin(packet, question[1].name) + end <= len(packet.data)
    if kind == "type of address":
        place: int = question[1]
        return bool(ADDRESS_TYPES.index(route(packet.family, destination).kind) >> 3 - place & 1)
    if kind == "connbytes":
        low, high = question[1:3]
        return bool(low <= packets <= high)
    return kind == "connection is counted"


# ── options inside headers ──


def _has_tcp_option(packet: Packet, wanted: int) -> bool:
    options, at = packet.tcp_options.ljust(len(packet.tcp_options) + 3 & ~3, b"\0"), 0
    while at < len(options):
        if options[at] == wanted:
            return True
        at += 1 if options[at] < 2 else options[at + 1] or 1
    return False


def _has_option(header: str, packet: Packet, wanted: Any) -> bool:
    """The first of the options that are asked for is the only one here."""
    found = next((one for one in packet.extensions if one.kind == header), None)
    kinds = [(kind, length) for kind, length in found.options] if found is not None else []
    return bool(kinds) and kinds[0][0] == wanted[0][0]


_OPTIONS: dict[str, Callable[[Packet, Any], bool]] = {
    "tcp option": _has_tcp_option,
    "hop": lambda packet, wanted: _has_option("hop", packet, wanted),
    "dst": lambda packet, wanted: _has_option("dst", packet, wanted),
}


# ── sets ──


def _holds(packet: Packet, name: str, sides: tuple[str, ...]) -> bool:
    members, family = MEMBERS[packet.family], packet.family
    address = packet.src if sides[0] == "src" else packet.dst
    if name.startswith("hosts"):
        return address in members.hosts
    if name.startswith("nets"):
        return any(address >> family.bits - bits == net >> family.bits - bits for net, bits in members.nets)
    if packet.proto != TCP or (packet.fragment is not None and packet.fragment.offset):
        return False
    return (address, packet.sport if sides[1] == "src" else packet.dport) in members.pairs


def _chunks(packet: Packet, wanted: Any) -> bool:
    """What holds of the chunks behind the first, or, where all must be there, of all."""
    kinds = [kind for kind, _ in packet.chunks] + [0] * bool(packet.payload & ~3)
    listed = {kind.number for kind in wanted.kinds} if wanted.kinds is not None else set(range(256))
    if wanted.scope == "any":
        return bool(listed.intersection(kinds[1:]))
    if wanted.scope == "only":
        return listed.issuperset(kinds[1:])
    return listed.issubset(kinds)


# ── bytes ──


def _begin(packet: Packet, area: str) -> int:
    """Where an area of the packet begins."""
    header = 4 * (packet.data[0] & 15)
    if packet.family is Family.IPV6 or area == "PACKET":
        return 0
    if area == "PAYLOAD" or len(packet.data) <= header + 8:
        return header
    return header + 4 * (packet.data[header + 8] & 15)


def _bit(packet: Packet, area: str, offset: int) -> bool:
    byte, bit = divmod(8 * _begin(packet, area) + offset, 8)
    return byte < len(packet.data) and bool(packet.data[byte] >> 7 - bit & 1)
