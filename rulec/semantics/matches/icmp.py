"""icmp: type and code of an ICMP header.  A later fragment has none, and never matches (xt_tcpudp.c, icmp_match)."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.catalogue.values.icmp import ANY_TYPE
from rulec.model.protocols import ICMP
from rulec.semantics.matches._conditions import icmp_type, turned
from rulec.semantics.place import Condition, Place


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """Type and codes; ``any`` is every packet, and ``! any`` none."""
    yield Condition(None, place.protocol(ICMP) & place.has_header)
    for use in given:
        yield turned(use, place.space.everything if use.value == ANY_TYPE else icmp_type(place, use.value))
