"""hl: the hop limit of IPv6; ``--hl-lt`` and ``--hl-gt`` leave out the number itself (xt_hl.c)."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.semantics.matches._conditions import hops
from rulec.semantics.place import Condition, Place


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """The number of hops that are left."""
    return hops(given, place)
