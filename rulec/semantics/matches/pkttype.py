"""pkttype: to whom the link layer sent the frame (xt_pkttype.c).

What the host sends itself counts as unicast, wherever it goes (measured on
Linux 6.18, multicast included).
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.packetset.fields import PACKET_TYPES
from rulec.packetset.packetset import PacketSet
from rulec.semantics.matches._conditions import turned
from rulec.semantics.place import Condition, Place


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """The type."""
    for use in given:
        yield turned(use, _sent_to(place, use.value))


def _sent_to(place: Place, kind: str) -> PacketSet:
    if place.hook.path == "output":
        return place.space.everything if kind == "unicast" else place.space.nothing
    return place.field("pkttype").equals(PACKET_TYPES.index(kind))
