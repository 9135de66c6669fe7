"""rt: the routing header of IPv6 (ip6t_rt.c).  The addresses in it are unknown."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.model import Use
from rulec.packetset.packetset import PacketSet
from rulec.semantics.matches._conditions import header_length, turned
from rulec.semantics.place import Condition, Place


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """The header is there; its type, its segments, its length."""
    yield Condition(None, place.flag("has_route"))
    strict = "--rt-0-not-strict" not in given
    for use in given:
        if use.option == "--rt-0-addrs":
            yield Condition(use, place.unknown(("rt addresses", use.value, strict)))
        elif use.option != "--rt-0-not-strict":
            yield turned(use, _asked(use, place))


def _asked(use: Use, place: Place) -> PacketSet:
    if use.option == "--rt-type":
        return place.field("rt_type").equals(use.value)
    if use.option == "--rt-segsleft":
        return place.field("rt_left").between(*use.value)
    if use.option == "--rt-len":
        return header_length(place, "rt_len", use.value)
    return place.unknown("rt reserved")
