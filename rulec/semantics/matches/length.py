"""length: the length of the whole packet, with its IP header (xt_length.c)."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.semantics.matches._conditions import turned
from rulec.semantics.place import Condition, Place


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """Within the range; one that runs backwards holds no length."""
    for use in given:
        yield turned(use, place.field("length").between(*use.value))
