"""dscp: the upper six bits of the type-of-service byte, or of the traffic class (xt_dscp.c)."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.semantics.matches._conditions import turned
from rulec.semantics.place import Condition, Place


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """The number, or that of the class."""
    for use in given:
        yield turned(use, place.field("tos").masked(use.value << 2, 0xFC))
