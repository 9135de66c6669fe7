"""tcp: what a TCP header holds.  A later fragment has none, and never matches (xt_tcpudp.c, tcp_mt)."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.catalogue.matches.tcp import SYN_ONLY
from rulec.model.protocols import TCP
from rulec.packetset.packetset import PacketSet
from rulec.semantics.matches._conditions import ports, turned
from rulec.semantics.place import Condition, Place


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """Ports, flags; an option of the header is unknown."""
    yield Condition(None, place.protocol(TCP) & place.has_header)
    yield from ports(given, place)
    for use in given:
        if use.option in ("--tcp-flags", "--syn"):
            yield turned(use, _flags(place, *(use.value or SYN_ONLY)))
        elif use.option == "--tcp-option":
            yield turned(use, place.unknown(("tcp option", use.value)))


def _flags(place: Place, mask: int, value: int) -> PacketSet:
    return place.field("tcp_flags").masked(value, mask)
