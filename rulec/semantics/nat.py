"""What NAT does: to which packets, and what they become.

Rules of the table nat are asked for the first packet of a connection only; the
later ones are rewritten as the first was, and those of the reply back again
(nf_nat_core.c).  Untracked and invalid packets are never rewritten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from rulec.catalogue.extension import Given
from rulec.catalogue.values.nat import NatRange
from rulec.model import Family
from rulec.model.protocols import DCCP, ICMP, ICMPV6, SCTP, TCP, UDP, UDPLITE
from rulec.packetset.fields import ADDRESS_TYPES, TRACKED_STATES
from rulec.packetset.packetset import PacketSet
from rulec.packetset.vector import Vector
from rulec.semantics.place import Place

TARGETS = frozenset(("DNAT", "MASQUERADE", "NETMAP", "REDIRECT", "SNAT"))
"""The targets that rewrite addresses or ports, and accept the packet."""

WITH_PORTS = (TCP, UDP, UDPLITE, SCTP, DCCP)
"""The protocols that have ports."""

KNOWN_BY_PORTS = (TCP, UDP, UDPLITE, SCTP)
"""Those whose connections are known by their ports on every kernel: Linux 6.18 tracks DCCP without them (measured)."""


class _Side(NamedTuple):
    """The names of what is rewritten at a hook: in the packet, in the answers to come, and where the outcome stands."""

    address: str
    port: str
    flag: str
    reply_address: str
    reply_port: str

    def guess(self, place: Place, pattern: str, ruleset: str) -> Vector:
        return place.space.field(pattern.format(address=self.address, port=self.port) + ruleset)


_DESTINATION = _Side("dst", "dport", "dnat", "repl_src", "repl_sport")
_SOURCE = _Side("src", "sport", "snat", "repl_dst", "repl_dport")


class Rewriting(NamedTuple):
    """Packets that meet a NAT target."""

    packets: PacketSet
    name: str
    given: Given
    place: Place


def asked(place: Place) -> PacketSet:
    """The packets of which the rules of a nat table are asked."""
    return (place.in_state("NEW", "RELATED") - is_error(place)) & place.flag("first")


def is_error(place: Place) -> PacketSet:
    """ICMP errors about a connection, which are not of it."""
    return place.protocol(ICMP if place.family is Family.IPV4 else ICMPV6) & _related(place)


def _related(place: Place) -> PacketSet:
    return place.space.field("ctstate").equals(TRACKED_STATES.index("RELATED"))


def outcomes(rewritings: Iterable[Rewriting], place: Place, ruleset: str) -> PacketSet:
    """Packets together with what NAT makes of them; those that meet no target stay as they are.

    What it makes of them stands in the guessed fields of ``ruleset``, so that a
    range of addresses is one set, and not a hundred thousand.
    """
    side, rewritings, union = _side(place), tuple(rewritings), place.space.union
    found = union(rewriting.packets & _outcome(rewriting, side, ruleset) for rewriting in rewritings)
    left = ~union(rewriting.packets for rewriting in rewritings)
    moves = side.guess(place, "{address}_moves", ruleset).bit(0) | side.guess(place, "{port}_moves", ruleset).bit(0)
    return found | (left - moves)


def _outcome(rewriting: Rewriting, side: _Side, ruleset: str) -> PacketSet:
    """What one target makes of the packets that meet it."""
    _, name, given, place = rewriting
    address = side.guess(place, "to_{address}", ruleset)
    port = side.guess(place, "to_{port}", ruleset)
    address_moves = side.guess(place, "{address}_moves", ruleset).bit(0)
    port_moves = side.guess(place, "{port}_moves", ruleset).bit(0)
    new_address = _addresses(name, given, place, address)
    new_port = _new_ports(name, given, place, port)
    with_ports = _with_ports(place)
    found = ~address_moves if new_address is None else address_moves & new_address
    found &= ~port_moves if new_port is None else with_ports.choose(port_moves & new_port, ~port_moves)
    if name == "REDIRECT":
        found &= place.space.field("to_type" + ruleset).equals(ADDRESS_TYPES.index("LOCAL"))
    return found & _differing(rewriting, side, ruleset)


def rewritten(place: Place, rewritings: Sequence[Rewriting], ruleset: str) -> Mapping[str, Vector]:
    """The fields that NAT changes in the first packet of a connection, where any of its targets does."""
    side = _side(place)
    address, port = place.field(side.address), place.field(side.port)
    moves = place.space.nothing
    if any(_addresses(one.name, one.given, place, address) is not None for one in rewritings):
        address_moves = side.guess(place, "{address}_moves", ruleset).bit(0)
        address, moves = side.guess(place, "to_{address}", ruleset).where(address_moves, address), address_moves
    if any(_new_ports(one.name, one.given, place, port) is not None for one in rewritings):
        port_moves = side.guess(place, "{port}_moves", ruleset).bit(0)
        port, moves = side.guess(place, "to_{port}", ruleset).where(port_moves, port), moves | port_moves
    changes = {
        side.address: address,
        side.port: port,
        side.flag: side.guess(place, "{address}_differs", ruleset).where(moves, place.field(side.flag)),
        side.reply_address: address.where(moves, place.field(side.reply_address)),
        side.reply_port: port.where(moves & _with_ports(place), place.field(side.reply_port)),
    }
    if side is _DESTINATION:
        changes["dst_type"] = place.space.field("to_type" + ruleset).where(moves, place.field("dst_type"))
    return changes


class Kinds(NamedTuple):
    """Which ends of a connection the rules of a ruleset rewrite."""

    destinations: bool
    sources: bool


def kinds(targets: Iterable[str]) -> Kinds:
    """What targets of these names rewrite."""
    names = frozenset(targets)
    return Kinds(not names.isdisjoint(_OF_DESTINATIONS), not names.isdisjoint(_OF_SOURCES))


_OF_DESTINATIONS = ("DNAT", "REDIRECT", "NETMAP")
_OF_SOURCES = ("SNAT", "MASQUERADE", "NETMAP")


def translated(place: Place, done: Kinds) -> Mapping[str, Vector]:
    """What later packets of a rewritten connection become: those of the reply are turned back."""
    side = _side(place)
    if side is _SOURCE:
        ways = (("snat", "repl_dst", "repl_dport"), ("dnat", "orig_dst", "orig_dport"))
        wanted = (done.sources, done.destinations)
    else:
        ways = (("dnat", "repl_src", "repl_sport"), ("snat", "orig_src", "orig_sport"))
        wanted = (done.destinations, done.sources)
    address, port, moved = place.field(side.address), place.field(side.port), place.space.nothing
    for later, (flag, from_address, from_port), is_wanted in zip(_later(place), ways, wanted, strict=True):
        if is_wanted:
            packets = later & place.flag(flag)
            address = place.field(from_address).where(packets, address)
            port = place.field(from_port).where(packets & _with_ports(place), port)
            moved |= packets
    changes = {side.address: address, side.port: port}
    if side is _DESTINATION:
        unknown = place.unknown_number("type of address", 4)
        changes["dst_type"] = unknown.where(moved, place.field("dst_type"))
    return changes


def _later(place: Place) -> tuple[PacketSet, PacketSet]:
    """The packets after the first of a connection, from its own side and from the other."""
    reply, later = place.flag("ctdir"), ~place.flag("first")
    return later & place.has_connection - reply, later & reply & place.in_state("ESTABLISHED", "RELATED")


def _with_ports(place: Place) -> PacketSet:
    """The packets whose ports belong to their connection, and may be rewritten; those of DCCP where it is tracked."""
    return place.protocol(*KNOWN_BY_PORTS) | (place.protocol(DCCP) & place.space.unknown("DCCP is tracked"))


def _side(place: Place) -> _Side:
    return _SOURCE if place.hook.name in ("POSTROUTING", "INPUT") else _DESTINATION


def _addresses(name: str, given: Given, place: Place, address: Vector) -> PacketSet | None:
    """The addresses that a target may take, None where it leaves the address alone."""
    if name == "NETMAP":
        network, mask = given.get("--to")
        return address.masked(network, mask)
    if name == "REDIRECT" and place.hook.name == "OUTPUT":
        return address.equals(0x7F000001 if place.family is Family.IPV4 else 1)
    if name in ("REDIRECT", "MASQUERADE"):
        return place.space.everything
    chosen = _range(given)
    if chosen.first is None or chosen.last is None:
        return None
    return address.between(chosen.first, chosen.last)


def _new_ports(name: str, given: Given, place: Place, port: Vector) -> PacketSet | None:
    """The ports that a target may take; without any that of a source still gives way when it is taken."""
    first, last, base = _ports(given)
    if first is None or last is None:
        return place.space.everything if _side(place) is _SOURCE and name != "NETMAP" else None
    return port.between(first, last) if base is None else place.space.everything


def _differing(rewriting: Rewriting, side: _Side, ruleset: str) -> PacketSet:
    """Whether the new destination is another one, which alone makes the connection a rewritten one."""
    _, name, given, place = rewriting
    differs = side.guess(place, "{address}_differs", ruleset).bit(0)
    if name != "DNAT":
        return place.space.everything
    chosen = _range(given)
    first_port, last_port, base = _ports(given)
    if chosen.first != chosen.last or first_port != last_port or base is not None:
        return place.space.everything
    same = place.space.everything
    if chosen.first is not None:
        same &= place.field("dst").equals(chosen.first)
    if first_port is not None:
        same &= place.field("dport").equals(first_port) | ~_with_ports(place)
    return same.choose(~differs, differs)


def _ports(given: Given) -> tuple[int | None, int | None, int | None]:
    for use in given:
        if isinstance(use.value, NatRange):
            return use.value.first_port, use.value.last_port, use.value.base_port
    return None, None, None


def _range(given: Given) -> NatRange:
    found: NatRange = next(use.value for use in given if isinstance(use.value, NatRange))
    return found
