"""state: the connection state of the packet, in the older words; the same match as conntrack (libxt_state.c)."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.semantics.matches._conditions import turned
from rulec.semantics.place import Condition, Place


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """One of the states."""
    for use in given:
        yield turned(use, place.in_state(*use.value))
