"""Some of the packets that a rule matches: asked for a few, where all together may be very many."""

from __future__ import annotations

from rulec.analysis.witness import fewer
from rulec.packetset.packetset import PacketSet
from rulec.semantics.reach import Entry, Reach


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
    left = fewer(packets & entry.outline)
    found: PacketSet = left.space.nothing
    for origin, met in entry.origins if not left.is_empty() else ():
        found = _some(origin, left & met)
        if not found.is_empty():
            break
    return found
