"""hbh: the hop-by-hop header of IPv6 (ip6t_hbh.c).  The options inside it are unknown."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.semantics.matches._conditions import options_header
from rulec.semantics.place import Condition, Place


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """The header is there; its length, its options."""
    return options_header(given, place, "hop")
