"""addrtype: what the routing tables say of an address (xt_addrtype.c).

For IPv4 an address has one type, and a list asks for one of several.  For IPv6
UNICAST, MULTICAST and UNSPEC are properties of the address itself, of which all
that are listed must hold, and with them one of the types LOCAL, ANYCAST and
UNREACHABLE where the list has any: ``LOCAL,MULTICAST`` matches no packet.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.model import Family
from rulec.packetset.fields import ADDRESS_TYPES
from rulec.packetset.packetset import PacketSet
from rulec.semantics.matches._conditions import turned
from rulec.semantics.place import Condition, Place

_SIDES = {"--src-type": "src", "--dst-type": "dst"}
_LOOKED_UP = ("LOCAL", "ANYCAST", "UNREACHABLE")
_V4_IN_V6 = 0xFFFF << 32


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """The types; what a single interface would have them be is unknown."""
    limits = tuple([use.option for use in given if use.option.startswith("--limit")])
    for use in given:
        if use.option not in _SIDES:
            continue
        side = _SIDES[use.option]
        if limits:
            yield turned(use, place.unknown(("addrtype", side, use.value, limits)))
        elif place.family is Family.IPV4:
            yield turned(use, _one_of(place, side, use.value))
        else:
            yield turned(use, _all_of(place, side, use.value))


def _one_of(place: Place, side: str, types: tuple[str, ...]) -> PacketSet:
    return place.field(f"{side}_type").among(map(ADDRESS_TYPES.index, types))


def _all_of(place: Place, side: str, types: tuple[str, ...]) -> PacketSet:
    """IPv6 (match_type6): what an address is by itself, then what a route says (__ipv6_addr_type, net/ipv6)."""
    address, found = place.field(side), place.space.everything
    multicast, unspecified = address.masked(0xFF << 120, 0xFF << 120), address.equals(0)
    if "MULTICAST" in types:
        found &= multicast
    if "UNICAST" in types:
        found -= multicast | unspecified | address.between(_V4_IN_V6, _V4_IN_V6 + 2**32 - 1)
    if "UNSPEC" in types:
        found &= unspecified
    looked_up = [name for name in _LOOKED_UP if name in types]
    return found & _one_of(place, side, tuple(looked_up)) if looked_up else found
