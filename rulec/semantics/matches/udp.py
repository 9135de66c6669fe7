"""udp: the ports of a UDP header.  A later fragment has none, and never matches (xt_tcpudp.c, udp_mt)."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.model.protocols import UDP
from rulec.semantics.matches._conditions import ports
from rulec.semantics.place import Condition, Place


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """Ports; a range that runs backwards holds none."""
    yield Condition(None, place.protocol(UDP) & place.has_header)
    yield from ports(given, place)
