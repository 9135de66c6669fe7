"""physdev: the ports of a bridge (xt_physdev.c, physdev_mt).

A packet that came in by no port of a bridge has neither port, and matches all
that is negated.  One that did, and leaves by none, matches no ``--physdev-out``,
negated or not.  By which port it leaves is known from FORWARD on.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.model import Use
from rulec.packetset.packetset import PacketSet
from rulec.semantics.matches._conditions import turned
from rulec.semantics.place import Condition, Place


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """The ports, and whether there are any."""
    came = ~_named(place, "physin", "")
    leaves = came - _named(place, "physout", "") if place.hook.path == "forward" else place.space.nothing
    for use in given:
        if use.option == "--physdev-is-in":
            yield turned(use, came)
        elif use.option == "--physdev-in":
            yield turned(use, came & _port(use, place, "physin"))
        elif use.option == "--physdev-out":
            plain = turned(use, leaves & _port(use, place, "physout"))
            yield Condition(use, plain.packets & (leaves | ~came))
        else:
            yield turned(use, leaves)


def _port(use: Use, place: Place, field: str) -> PacketSet:
    """Every port where none is named."""
    names = place.space.fields[field].names
    assert names is not None
    return place.field(field).among(names.matching(use.value)) if use.value else place.space.everything


def _named(place: Place, field: str, name: str) -> PacketSet:
    names = place.space.fields[field].names
    assert names is not None
    return place.field(field).equals(names.number(name))
