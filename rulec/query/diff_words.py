"""The packets of a flow in words: regions, and one packet that a person would believe."""

from __future__ import annotations

from functools import reduce

from rulec.packetset.believable import sample
from rulec.packetset.fields import ADDRESS_TYPES, PRIORS, TRACKED_STATES
from rulec.packetset.packet import Packet
from rulec.packetset.packetset import PacketSet
from rulec.packetset.regions import describe, regions

_SIMPLE = 2000
"""So many nodes a set may have that is split into parts that can be said exactly."""

_LOCAL = tuple(map(ADDRESS_TYPES.index, ("LOCAL", "BROADCAST", "ANYCAST", "MULTICAST")))
_NOT_FORWARDED = tuple(
    map(ADDRESS_TYPES.index, ("LOCAL", "BROADCAST", "BLACKHOLE", "UNREACHABLE", "PROHIBIT", "THROW"))
)
_ABSENT = {"input": "oif", "output": "iif"}


def witness(packets: PacketSet, path: str) -> Packet:
    """One of the packets; an interface that the way does not have it has not, if it may."""
    found: Packet = packets.space.once(("witness", packets, path), lambda: _witness(packets, path))
    return found


def _witness(packets: PacketSet, path: str) -> Packet:
    space = packets.space
    absent = _ABSENT.get(path)
    without = packets if absent is None else packets & space.field(absent).equals(0)
    found = sample(packets if without.is_empty() else without)
    assert found is not None
    return Packet(found.bits, {name: value for name, value in found.items() if name != absent or value})


def region_texts(packets: PacketSet, enters: PacketSet, path: str) -> tuple[str, ...]:
    """The regions of the packets, as some of those that enter a way.

    What goes without saying is left out: that a packet of ports is whole, that a
    new connection is seen from its own side, that what comes in is for this host.
    """
    within = enters
    several = _implied(packets, path)
    together = reduce(PacketSet.__and__, several)
    for implied in [together] if packets.meets(together) else several:
        ordinary = packets & implied
        if not ordinary.is_empty():
            packets, within = ordinary, within & implied
    found = regions(packets, within) if is_simple(packets) else [describe(packets, within)]
    return tuple(str(region) for region in found)


def is_simple(packets: PacketSet, nodes: int = _SIMPLE) -> bool:
    """Whether a set has no more than so many nodes, one with its complement counted as two."""
    count = packets.function.node_count()
    if count > nodes or 2 * count <= nodes:
        return bool(count <= nodes)
    seen, stack = {packets.function}, [packets.function]
    while stack and len(seen) <= nodes:
        parts = [part for part in stack.pop().cofactors() or () if part not in seen]
        seen.update(parts)
        stack.extend(parts)
    return not stack


def _implied(packets: PacketSet, path: str) -> list[PacketSet]:
    """What is so of ordinary packets, whenever some of these are ordinary."""
    field = packets.space.field
    flag = packets.space.flag
    found = [field("prior").equals(PRIORS.index("nothing")), ~flag("later_fragment"), ~flag("snat"), ~flag("dnat")]
    if path == "input":
        found.append(field("dst_type").among(_LOCAL))
    if path == "forward":
        names = packets.space.fields["iif"].names
        assert names is not None
        found.append(~field("dst_type").among(_NOT_FORWARDED) & field("ttl").between(2, 255))
        found.append(~field("oif").equals(names.number("")) - field("iif").equals(names.number("lo")))
    new, related = (field("ctstate").equals(TRACKED_STATES.index(state)) for state in ("NEW", "RELATED"))
    found += [flag("first")] if packets <= new | related else []
    return [*found, ~flag("ctdir")] if packets <= new else found
