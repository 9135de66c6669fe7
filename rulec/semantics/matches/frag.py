"""frag: the fragment header of IPv6 (ip6t_frag.c).  The kernel looks at no ``--fraglen``."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.model import Use
from rulec.packetset.packetset import PacketSet
from rulec.semantics.matches._conditions import turned
from rulec.semantics.place import Condition, Place


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """The header is there; its id, its reserved bits, and which of the fragments it is."""
    yield Condition(None, place.flag("has_frag"))
    for use in given:
        if use.option != "--fraglen":
            yield turned(use, _asked(use, place))


def _asked(use: Use, place: Place) -> PacketSet:
    if use.option == "--fragid":
        return place.field("frag_id").between(*use.value)
    if use.option == "--fragres":
        return place.field("frag_reserved").equals(0)
    if use.option == "--fragfirst":
        return place.has_header
    more = place.flag("more_fragments")
    return more if use.option == "--fragmore" else ~more
