"""dccp: ports and type of a DCCP header.  A later fragment has none, and never matches (xt_dccp.c)."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.catalogue.matches.dccp import TYPES
from rulec.model.protocols import DCCP
from rulec.packetset.packetset import PacketSet
from rulec.semantics.matches._conditions import ports, turned
from rulec.semantics.place import Condition, Place


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """Ports, types; an option of the header is unknown."""
    yield Condition(None, place.protocol(DCCP) & place.has_header)
    yield from ports(given, place)
    for use in given:
        if use.option == "--dccp-types":
            yield turned(use, place.space.union(_is(place, name) for name in use.value))
        elif use.option == "--dccp-option":
            yield turned(use, place.unknown(("dccp option", use.value)))


def _is(place: Place, name: str) -> PacketSet:
    """One type; INVALID stands for all that the protocol does not know (measured on Linux 6.18)."""
    number = TYPES.index(name)
    return place.field("dccp_type").between(number, 15 if name == "INVALID" else number)
