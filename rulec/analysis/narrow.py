"""Some of the packets that a rule matches: asked for a few, where all together may be very many."""

from __future__ import annotations

from rulec.model.protocols import TCP
from rulec.packetset.packetset import PacketSet
from rulec.semantics.reach import Entry, Reach

_ORDINARY = {
    32: {"src": 0xC6336407, "dst": 0xC0000201, "proto": TCP, "sport": 40000, "dport": 80},
    128: {"src": 0x20010DB8 << 96 | 7, "dst": 0x20010DB8 << 96 | 1, "proto": TCP, "sport": 40000, "dport": 80},
}
"""Where a packet comes from and goes to, as long as nothing else is asked for."""


def matches_among(reach: Reach, packets: PacketSet) -> PacketSet:
    """Those of some packets that get to a rule and match."""
    return _among(reach.entry, reach.matching & packets)


def some_matches(reach: Reach, packets: PacketSet) -> PacketSet:
    """A few of those; none only where there are none at all."""
    found = _some(reach.entry, reach.matching & packets)
    return matches_among(reach, packets) if found.is_empty() else found


def _among(entry: Entry, packets: PacketSet) -> PacketSet:
    if not entry.origins:
        return packets & entry.exact
    left = packets & entry.outline
    if left.is_empty():
        return left
    found: PacketSet = left.space.union(_among(origin, left & met) for origin, met in entry.origins)
    return found


def _some(entry: Entry, packets: PacketSet) -> PacketSet:
    if not entry.origins:
        return packets & entry.exact
    left = _fewer(packets & entry.outline)
    found: PacketSet = left.space.nothing
    for origin, met in entry.origins if not left.is_empty() else ():
        found = _some(origin, left & met)
        if not found.is_empty():
            break
    return found


def _fewer(packets: PacketSet) -> PacketSet:
    """Those with the same ends, as far as these are looked at: any will do, and few make short work."""
    if packets.is_empty():
        return packets
    return packets.some(_ORDINARY[packets.space.fields["src"].bits])
