"""cluster: the share of connections that falls to one node (xt_cluster.c).

A packet without a connection never matches, negated or not.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.catalogue.matches.cluster import node_mask
from rulec.semantics.matches._conditions import turned
from rulec.semantics.place import Condition, Place


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """The turn of one of the nodes, which nobody knows from here."""
    yield Condition(None, place.has_connection)
    turn = (node_mask(given), given.get("--cluster-total-nodes"), given.get("--cluster-hash-seed"))
    for use in given:
        if use.option in ("--cluster-local-node", "--cluster-local-nodemask"):
            yield turned(use, place.unknown(("cluster", turn)))
