"""u32: numbers of four bytes, read anywhere in the packet (xt_u32.c, u32_match_it).

Of each bit that is read the place in the packet is known until the number is
compared: what stands there is a field, or unknown.  ``0>>22&0x3C@`` goes on
behind an IPv4 header, whatever its length; after any other jump nothing is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rulec.catalogue.extension import Given
from rulec.catalogue.matches.u32 import Test
from rulec.model import Family
from rulec.packetset.packetset import PacketSet
from rulec.packetset.vector import Vector
from rulec.semantics.matches._conditions import turned
from rulec.semantics.matches._headers import BEHIND_HEADERS, Area, Part, parts, reaches
from rulec.semantics.place import Condition, Place

_BITS = 32


class _Reading(NamedTuple):
    """A number on its way: for each bit its place in the area, None for 0; and where the bytes are counted from."""

    area: Area
    bits: tuple[int | None, ...]


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """All tests hold; one that reads outside of the packet does not."""
    for use in given:
        found = place.space.everything
        for test in use.value:
            found &= _holds(place, test)
        yield turned(use, found)


def _holds(place: Place, test: Test) -> PacketSet:
    reading = _read(Area.PACKET, test.start)
    there = reaches(place, Area.PACKET, test.start + 4)
    for operator, number in test.steps:
        if operator == "@":
            area = _behind(reading, place.family)
            if area is None:
                return place.unknown(("u32", test))
            reading = _read(area, number)
            there &= reaches(place, area, number + 4)
        elif operator != "&" and number >= _BITS:
            return place.unknown(("u32", test))
        else:
            reading = _changed(reading, operator, number)
    value = _value(place, reading)
    return there & place.space.union(value.between(low, high) for low, high in test.ranges)


def _read(area: Area, byte: int) -> _Reading:
    return _Reading(area, tuple(range(byte * 8, byte * 8 + _BITS)))


def _changed(reading: _Reading, operator: str, number: int) -> _Reading:
    bits = reading.bits
    if operator == "&":
        kept = zip(range(_BITS - 1, -1, -1), bits, strict=True)
        return reading._replace(bits=tuple([bit if number >> place & 1 else None for place, bit in kept]))
    filled = (None,) * number
    return reading._replace(bits=bits[number:] + filled if operator == "<<" else filled + bits[: _BITS - number])


def _behind(reading: _Reading, family: Family) -> Area | None:
    """Where a jump leads: nowhere by 0, behind a header by its length; None where it is not known."""
    begin = next((bit for bit in reading.bits if bit is not None), None)
    if begin is None:
        return reading.area
    length_of_header = (*(None,) * 26, *range(begin, begin + 4), None, None)
    if family is Family.IPV6 or reading.bits != length_of_header or begin % 8 != 4:
        return None
    return BEHIND_HEADERS.get((reading.area, begin // 8))


def _value(place: Place, reading: _Reading) -> Vector:
    """The number that is compared."""
    known = list(parts(place, reading.area))
    nothing = place.space.nothing
    bits = [nothing if bit is None else _bit(place, reading.area, bit, known) for bit in reading.bits]
    return Vector(place.space, tuple([bit.function for bit in bits]))


def _bit(place: Place, area: Area, offset: int, known: list[Part]) -> PacketSet:
    """One bit of the packet: that of a field, or unknown."""
    covering = [part for part in known if part.first <= offset < part.first + len(part.number)]
    all_known = place.space.union(part.packets for part in covering).is_everything()
    found = place.space.nothing if all_known else place.unknown(("bit", area, offset))
    for part in reversed(covering):
        found = part.packets.choose(part.number.bit(part.first + len(part.number) - 1 - offset), found)
    return found
