"""tos: the type-of-service byte, or the traffic class (xt_dscp.c, tos_mt).

A value with bits outside its mask matches no packet.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.semantics.matches._conditions import turned
from rulec.semantics.place import Condition, Place


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """The bits of the mask are those of the value."""
    for use in given:
        yield turned(use, place.field("tos").masked(*use.value))
