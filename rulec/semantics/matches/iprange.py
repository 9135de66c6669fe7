"""iprange: a range of addresses; one that runs backwards holds none (xt_iprange.c)."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.semantics.matches._conditions import turned
from rulec.semantics.place import Condition, Place


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """Each address within its range."""
    for use in given:
        yield turned(use, place.field("src" if use.option == "--src-range" else "dst").between(*use.value))
