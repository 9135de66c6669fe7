"""What NAT does: to which packets, and what they become.

Rules of the table nat are asked for the first packet of a connection only; the
later ones are rewritten as the first was, and those of the reply back again
(nf_nat_core.c).  Untracked and invalid packets are never rewritten.
"""

from __future__ import annotations

from collections.abc import Mapping

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

_DESTINATION = ("dst", "dport", "dnat", "repl_src", "repl_sport")
_SOURCE = ("src", "sport", "snat", "repl_dst", "repl_dport")


def asked(place: Place) -> PacketSet:
    """The packets of which the rules of a nat table are asked."""
    return (place.in_state("NEW", "RELATED") - is_error(place)) & place.flag("first")


def is_error(place: Place) -> PacketSet:
    """ICMP errors about a connection, which are not of it."""
    return place.protocol(ICMP if place.family is Family.IPV4 else ICMPV6) & _related(place)


def _related(place: Place) -> PacketSet:
    return place.space.field("ctstate").equals(TRACKED_STATES.index("RELATED"))


def rewritten(name: str, given: Given, place: Place) -> Mapping[str, Vector]:
    """What the packets that meet a NAT target become."""
    address, port, flag, reply_address, reply_port = _SOURCE if _rewrites_source(place) else _DESTINATION
    old_address, old_port = place.field(address), place.field(port)
    new_address = _new_address(name, given, place, old_address)
    new_port = _new_port(name, given, place, old_port).where(place.protocol(*WITH_PORTS), old_port)
    moves = _differs(place, new_address, old_address)
    changes = {
        address: new_address,
        port: new_port,
        flag: place.space.constant(1, 1).where(moves | _differs(place, new_port, old_port), place.field(flag)),
        reply_address: new_address,
        reply_port: new_port,
    }
    if address == "dst":
        changes["dst_type"] = _kind_of_address(name, place).where(moves, place.field("dst_type"))
    return changes


def translated(place: Place) -> Mapping[str, Vector]:
    """What later packets of a rewritten connection become: those of the reply are turned back."""
    later = place.has_connection - asked(place)
    if _rewrites_source(place):
        ways = (("snat", False, "repl_dst", "repl_dport"), ("dnat", True, "orig_dst", "orig_dport"))
        address, port = "src", "sport"
    else:
        ways = (("dnat", False, "repl_src", "repl_sport"), ("snat", True, "orig_src", "orig_sport"))
        address, port = "dst", "dport"
    new_address, new_port = place.field(address), place.field(port)
    reply, with_ports = place.flag("ctdir"), place.protocol(*WITH_PORTS)
    for flag, on_reply, from_address, from_port in ways:
        packets = later & place.flag(flag) & (reply if on_reply else ~reply)
        new_address = place.field(from_address).where(packets, new_address)
        new_port = place.field(from_port).where(packets & with_ports, new_port)
    changes = {address: new_address, port: new_port}
    if address == "dst":
        moved = later & (place.flag("dnat") | place.flag("snat"))
        changes["dst_type"] = place.unknown_number("type of address", 4).where(moved, place.field("dst_type"))
    return changes


def _differs(place: Place, new: Vector, old: Vector) -> PacketSet:
    """The packets in which two numbers are not equal; whether an unknown one is, is unknown too."""
    known = all(
        bit == before or PacketSet(place.space, bit).is_constant()
        for bit, before in zip(new.bits, old.bits, strict=True)
    )
    return ~new.same_as(old) if known else place.unknown_here(("differs", len(new)))


def _rewrites_source(place: Place) -> bool:
    return place.hook.name in ("POSTROUTING", "INPUT")


def _new_address(name: str, given: Given, place: Place, old: Vector) -> Vector:
    if name == "NETMAP":
        network, mask = given.get("--to")
        return old.with_bits(mask, network)
    if name == "REDIRECT" and place.hook.name == "OUTPUT":
        return place.space.constant(len(old), 0x7F000001 if place.family is Family.IPV4 else 1)
    if name in ("REDIRECT", "MASQUERADE"):
        return place.unknown_number("address", len(old))
    chosen = _range(given)
    if chosen.first is None or chosen.last is None:
        return old
    return _within(place, "address", chosen.first, chosen.last, len(old))


def _new_port(name: str, given: Given, place: Place, old: Vector) -> Vector:
    """Where none is named the port of a destination stays; that of a source gives way when it is taken."""
    first, last, base = _ports(name, given)
    if first is None or last is None:
        return place.unknown_number("port", 16) if _rewrites_source(place) and name != "NETMAP" else old
    if base is not None:
        return place.unknown_number("port", 16)
    return _within(place, "port", first, last, 16)


def _ports(name: str, given: Given) -> tuple[int | None, int | None, int | None]:
    if name in ("DNAT", "SNAT"):
        chosen = _range(given)
        return chosen.first_port, chosen.last_port, chosen.base_port
    ports = given.get("--to-ports")
    return (None, None, None) if ports is None else (ports[0], ports[1], None)


def _range(given: Given) -> NatRange:
    found: NatRange = next(use.value for use in given if isinstance(use.value, NatRange))
    return found


def _within(place: Place, key: str, first: int, last: int, bits: int) -> Vector:
    """A number from ``first`` to ``last``, nobody knows which."""
    if first == last:
        return place.space.constant(bits, first)
    chosen = place.unknown_number(key, bits)
    return chosen.where(chosen.between(first, last), place.space.constant(bits, first))


def _kind_of_address(name: str, place: Place) -> Vector:
    if name == "REDIRECT":
        return place.space.constant(4, ADDRESS_TYPES.index("LOCAL"))
    return place.unknown_number("type of address", 4)
