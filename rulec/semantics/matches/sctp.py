"""sctp: ports and chunks of an SCTP packet.  A later fragment has no header, and never matches (xt_sctp.c).

A packet is known by its first chunk, and whether more follow; what those are,
and the flags of all of them, are unknown.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.catalogue.matches.sctp import Chunks, Kind
from rulec.model.protocols import SCTP
from rulec.packetset.packetset import PacketSet
from rulec.semantics.matches._conditions import ports, turned
from rulec.semantics.place import Condition, Place

_LAST_WITH_FLAGS = 14
"""Of kinds with a larger number iptables does not hand the flags to the kernel."""


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """Ports, and chunks."""
    yield Condition(None, place.protocol(SCTP) & place.has_header)
    yield from ports(given, place)
    for use in given:
        if use.option == "--chunk-types":
            yield turned(use, _carries(place, use.value))


def _carries(place: Place, chunks: Chunks) -> PacketSet:
    """Any of the listed kinds is there, all of them are, or nothing else is."""
    if not chunks.kinds and chunks.kinds is not None:
        return place.space.everything if chunks.scope == "all" else place.space.nothing
    first, more = _first(place, chunks), place.flag("sctp_more")
    rest = place.unknown(("sctp chunks", chunks))
    if chunks.scope == "any":
        return first | (more & rest)
    if chunks.scope == "only":
        return first & (~more | rest)
    alone = chunks.kinds is not None and len(chunks.kinds) == 1
    return (first | (more & rest)) if alone else more & rest


def _first(place: Place, chunks: Chunks) -> PacketSet:
    """The packets of which the first chunk is listed."""
    if chunks.kinds is None:
        return place.space.everything
    return place.space.union(_is(place, kind) for kind in chunks.kinds)


def _is(place: Place, kind: Kind) -> PacketSet:
    found = place.field("sctp_chunk").equals(kind.number)
    if kind.mask and kind.number <= _LAST_WITH_FLAGS:
        found &= place.unknown(("sctp flags", kind))
    return found
