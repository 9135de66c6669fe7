"""ah: the authentication header (ipt_ah.c, ip6t_ah.c).

For IPv4 it is a protocol, and a later fragment has no header and never matches;
for IPv6 it is one of the extension headers.  A length of 0 asks nothing, negated
or not.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.model import Family
from rulec.model.protocols import AH
from rulec.semantics.matches._conditions import header_length, turned
from rulec.semantics.place import Condition, Place


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """The header is there; its index, its length, and whether its reserved bits are empty."""
    is_ah = place.protocol(AH) & place.has_header
    yield Condition(None, is_ah if place.family is Family.IPV4 else place.flag("has_auth"))
    for use in given:
        if use.option == "--ahspi":
            yield turned(use, place.field("ah_spi").between(*use.value))
        elif use.option == "--ahres":
            yield turned(use, place.field("ah_reserved").equals(0))
        elif use.value:
            yield turned(use, header_length(place, "ah_len", use.value, unit=4, more=2))
