"""connlabel: a label of the connection (xt_connlabel.c).

A packet without a connection has none, and matches what is negated.  Other rules
may set a label in between, so that no answer holds for a second time.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.semantics.matches._conditions import turned
from rulec.semantics.place import Condition, Place


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """The label, which nobody knows from here."""
    for use in given:
        if use.option == "--label":
            yield turned(use, place.has_connection & place.unknown_here(("connlabel", use.value, "--set" in given)))
