"""helper: the helper of the connection that announced this one (xt_helper.c).

A packet without a connection has none, and matches what is negated.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.semantics.matches._conditions import turned
from rulec.semantics.place import Condition, Place


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """The name, which nobody knows from here."""
    for use in given:
        yield turned(use, place.has_connection & place.unknown(("helper", use.value)))
