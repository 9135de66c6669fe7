"""esp: the security parameter index of an ESP packet.  A later fragment has none, and never matches (xt_esp.c)."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.model.protocols import ESP
from rulec.semantics.matches._conditions import turned
from rulec.semantics.place import Condition, Place


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """The index within its range; one that runs backwards holds none."""
    yield Condition(None, place.protocol(ESP) & place.has_header)
    for use in given:
        yield turned(use, place.field("spi").between(*use.value))
