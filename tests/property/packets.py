"""A second engine: sets of packets as plain sets of numbers, over fields so small that all packets can be listed."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import NamedTuple

from hypothesis import strategies as st

from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Field, Space
from rulec.packetset.vector import Vector

WIDTHS = {"a": 3, "b": 3, "c": 2}
SPACE = Space([Field(name, bits) for name, bits in WIDTHS.items()])
POINTS = tuple(
    dict(zip(WIDTHS, numbers, strict=True)) for numbers in product(*(range(1 << bits) for bits in WIDTHS.values()))
)
"""All packets."""

Members = frozenset[int]
ALL: Members = frozenset(range(len(POINTS)))


class Both(NamedTuple):
    """A set of packets in both engines."""

    packets: PacketSet
    members: Members


class Number(NamedTuple):
    """A number in both engines: a vector, and what it is in each packet."""

    vector: Vector
    values: tuple[int, ...]

    @property
    def largest(self) -> int:
        return (1 << len(self.vector)) - 1

    def where(self, packets: PacketSet, holds: Callable[[int], bool]) -> Both:
        return Both(packets, frozenset(number for number, value in enumerate(self.values) if holds(value)))


def members(packets: PacketSet) -> Members:
    """The packets of a set, found by trying each."""
    return frozenset(
        number
        for number, point in enumerate(POINTS)
        if packets.function.eval(
            (place, bool(point[name] >> shift & 1))
            for name in WIDTHS
            for shift, place in enumerate(reversed(SPACE.places(name)))
        )
    )


def values(vector: Vector) -> tuple[int, ...]:
    """What a vector is in each packet."""
    bits = [members(vector.bit(place)) for place in range(len(vector))]
    return tuple(sum(1 << place for place, found in enumerate(bits) if number in found) for number in sorted(ALL))


def field(name: str) -> Number:
    """A field in both engines."""
    return Number(SPACE.field(name), tuple(point[name] for point in POINTS))


@st.composite
def leaves(draw: st.DrawFn) -> Both:
    """What one field may be."""
    number = field(draw(st.sampled_from(sorted(WIDTHS))))
    one, other = draw(st.integers(0, number.largest)), draw(st.integers(0, number.largest))
    kind = draw(st.sampled_from(["between", "masked", "among", "equals"]))
    if kind == "between":
        return number.where(number.vector.between(one, other), lambda value: one <= value <= other)
    if kind == "masked":
        return number.where(number.vector.masked(one, other), lambda value: value & other == one)
    if kind == "among":
        return number.where(number.vector.among([one, other]), lambda value: value in (one, other))
    return number.where(number.vector.equals(one), lambda value: value == one)


def _joined(inner: st.SearchStrategy[Both]) -> st.SearchStrategy[Both]:
    return st.one_of(
        st.builds(lambda one, other: Both(one[0] & other[0], one[1] & other[1]), inner, inner),
        st.builds(lambda one, other: Both(one[0] | other[0], one[1] | other[1]), inner, inner),
        st.builds(lambda one, other: Both(one[0] - other[0], one[1] - other[1]), inner, inner),
        st.builds(lambda one, other: Both(one[0] ^ other[0], one[1] ^ other[1]), inner, inner),
        st.builds(lambda one: Both(~one[0], ALL - one[1]), inner),
    )


SETS = st.recursive(
    leaves() | st.sampled_from([Both(SPACE.everything, ALL), Both(SPACE.nothing, frozenset())]), _joined
)
"""Sets of all kinds."""


@st.composite
def numbers(draw: st.DrawFn) -> Number:
    """A field of three bits, or what has become of it."""
    first, second = field("a"), field("b")
    one = draw(SETS)
    pairs = tuple(zip(first.values, second.values, strict=True))
    mixed = tuple(pair[number not in one.members] for number, pair in enumerate(pairs))
    return draw(st.sampled_from([first, second, Number(first.vector.where(one.packets, second.vector), mixed)]))
