"""icmp6: type and code of an ICMPv6 header.  A later fragment has none, and never matches (icmp6_match)."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.model.protocols import ICMPV6
from rulec.semantics.matches._conditions import icmp_type, turned
from rulec.semantics.place import Condition, Place


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """Type and codes; 255 is a type like others."""
    yield Condition(None, place.protocol(ICMPV6) & place.has_header)
    for use in given:
        yield turned(use, icmp_type(place, use.value))
