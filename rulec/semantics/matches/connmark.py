"""connmark: the mark of the connection.  A packet without one never matches, negated or not (xt_connmark.c)."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.semantics.matches._conditions import turned
from rulec.semantics.place import Condition, Place


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """The bits of the mask are those of the value."""
    yield Condition(None, place.has_connection)
    for use in given:
        yield turned(use, place.field("connmark").masked(*use.value))
