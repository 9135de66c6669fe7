"""connbytes: how much a connection has transferred (xt_connbytes.c).

A packet without a connection, and one of a connection that nobody counts, never
matches, negated or not.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.semantics.place import Condition, Place


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """Counted, and within the range; iptables loses the ``!`` before a range of one number."""
    low, high = given.get("--connbytes")
    counted = place.has_connection & place.unknown("connection is counted")
    within = place.unknown(("connbytes", low, high, given.get("--connbytes-mode"), given.get("--connbytes-dir")))
    for use in given:
        if use.option == "--connbytes":
            yield Condition(use, counted - within if use.negated and low != high else counted & within)
