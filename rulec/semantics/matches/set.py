"""set: whether a set of ipset(8) holds the packet; a ruleset does not tell what is in it (xt_set.c).

Each set, with each choice of sides, is a question of its own, and ``!`` its
complement: so a packet that has no port also matches ``! --match-set``.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.packetset.packetset import PacketSet
from rulec.semantics.matches._conditions import turned
from rulec.semantics.place import Condition, Place


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """In the set; counters of its entries change with each packet, so that no answer holds for a second time."""
    for use in given:
        if use.option == "--match-set":
            yield turned(use, _holds(given, place, use.value))


def _holds(given: Given, place: Place, entry: object) -> PacketSet:
    counters = tuple([use for use in given if use.option.startswith(("--packets", "--bytes"))])
    question = ("set", entry, "--return-nomatch" in given, counters)
    return place.unknown_here(question) if counters else place.unknown(question)
