"""mh: the type of a Mobile IPv6 message.  A later fragment has none, and never matches (ip6t_mh.c)."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.model.protocols import MOBILITY
from rulec.semantics.matches._conditions import turned
from rulec.semantics.place import Condition, Place


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """The type within its range."""
    yield Condition(None, place.protocol(MOBILITY) & place.has_header)
    for use in given:
        yield turned(use, place.field("mh_type").between(*use.value))
