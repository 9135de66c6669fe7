"""multiport: one of several ports.  A later fragment has none, and never matches (xt_multiport.c).

A ``!`` turns the list as a whole: ``! --ports`` asks that neither port is in it.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.packetset.packetset import PacketSet
from rulec.semantics.matches._conditions import turned
from rulec.semantics.nat import WITH_PORTS
from rulec.semantics.place import Condition, Place

_FIELDS = {"--sports": ("sport",), "--dports": ("dport",), "--ports": ("sport", "dport")}


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """A port of the packet is in the list."""
    yield Condition(None, place.protocol(*WITH_PORTS) & place.has_header)
    for use in given:
        yield turned(use, place.space.union(_within(place, field, use.value) for field in _FIELDS[use.option]))


def _within(place: Place, field: str, ranges: tuple[tuple[int, int], ...]) -> PacketSet:
    return place.space.union(place.field(field).between(low, high) for low, high in ranges)
