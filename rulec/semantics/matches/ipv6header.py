"""ipv6header: which extension headers a packet has (ip6t_ipv6header.c).

Without ``--soft`` they must be those named and no others, and ``!`` is the
opposite of that; with it all that are named must be there, and behind a ``!``
none of them may be.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.model.protocols import AH, ESP, IPV6_FRAGMENT, IPV6_OPTIONS, IPV6_ROUTE
from rulec.packetset.packetset import PacketSet
from rulec.semantics.matches._conditions import turned
from rulec.semantics.place import Condition, Place

_HOP_BY_HOP, _NONE, _PAYLOAD = 0, 59, 255
_FLAGS = {
    _HOP_BY_HOP: "has_hop",
    IPV6_OPTIONS: "has_dst",
    IPV6_ROUTE: "has_route",
    IPV6_FRAGMENT: "has_frag",
    AH: "has_auth",
}


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """The headers."""
    headers = _headers(place)
    for use in given:
        if use.option == "--header" and "--soft" in given:
            for number in use.value:
                yield turned(use, headers[number])
        elif use.option == "--header":
            yield turned(use, _exactly(headers, use.value, place))


def _headers(place: Place) -> dict[int, PacketSet]:
    """The packets that have each header; behind ESP and "no next header" nothing else is seen."""
    found = {number: place.flag(name) for number, name in _FLAGS.items()}
    ends = {ESP: place.protocol(ESP), _NONE: place.protocol(_NONE)}
    return {**found, **ends, _PAYLOAD: ~(ends[ESP] | ends[_NONE])}


def _exactly(headers: dict[int, PacketSet], named: tuple[int, ...], place: Place) -> PacketSet:
    found = place.space.everything
    for number, packets in headers.items():
        found &= packets if number in named else ~packets
    return found
