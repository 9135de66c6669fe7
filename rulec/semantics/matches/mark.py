"""mark: the mark of the packet (xt_mark.c).  A value with bits outside its mask matches no packet."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.semantics.matches._conditions import turned
from rulec.semantics.place import Condition, Place


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """The bits of the mask are those of the value."""
    for use in given:
        yield turned(use, place.field("mark").masked(*use.value))
