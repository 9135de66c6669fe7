"""Sets of packets keep the laws of sets: whatever is done to them, a second engine finds the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulec.packetset.regions import cidrs, intervals
from rulec.packetset.space import Field, Space
from rulec.packetset.vector import Vector
from tests.property.packets import (
    ALL,
    POINTS,
    SETS,
    SPACE,
    WIDTHS,
    Both,
    Members,
    Number,
    field,
    members,
    numbers,
    values,
)

SMALL = st.integers(0, 7)
FIELDS = st.sets(st.sampled_from(sorted(WIDTHS)))


def seen(found: Members, names: set[str]) -> set[tuple[int, ...]]:
    """What is left of packets when only some fields are looked at."""
    return {tuple(POINTS[number][name] for name in sorted(names)) for number in found}


def like(found: Members, names: set[str]) -> Members:
    """All packets that agree with one of these in some fields."""
    kept = seen(found, names)
    return frozenset(number for number in ALL if seen(frozenset({number}), names) <= kept)


# ── sets ──


@given(SETS)
def test_operators(one: Both) -> None:
    assert members(one.packets) == one.members
    assert one.packets.is_empty() == (not one.members)
    assert one.packets.is_everything() == (one.members == ALL)
    assert one.packets.size() == len(one.members) / len(ALL)


@given(SETS, SETS)
def test_comparisons(one: Both, other: Both) -> None:
    assert (one.packets <= other.packets) == (one.members <= other.members)
    assert (one.packets >= other.packets) == (one.members >= other.members)
    assert (one.packets == other.packets) == (one.members == other.members)
    assert one.packets.meets(other.packets) == bool(one.members & other.members)
    if one.packets == other.packets:
        assert hash(one.packets) == hash(other.packets)


@given(SETS, SETS, SETS)
def test_choose(test: Both, then: Both, otherwise: Both) -> None:
    expected = (test.members & then.members) | (otherwise.members - test.members)
    assert members(test.packets.choose(then.packets, otherwise.packets)) == expected


@given(st.lists(SETS, max_size=7))
def test_union(sets: list[Both]) -> None:
    assert members(SPACE.union(each.packets for each in sets)) == frozenset().union(*(each.members for each in sets))


@given(st.lists(SETS, max_size=7))
def test_intersection(sets: list[Both]) -> None:
    assert members(SPACE.intersection(each.packets for each in sets)) == ALL.intersection(
        *(each.members for each in sets)
    )


@given(SETS, FIELDS)
def test_onto_and_without(one: Both, names: set[str]) -> None:
    assert members(one.packets.onto(names)) == like(one.members, names)
    assert members(one.packets.without(names)) == like(one.members, WIDTHS.keys() - names)


@given(SETS, st.fixed_dictionaries({name: st.integers(0, (1 << bits) - 1) for name, bits in WIDTHS.items()}))
def test_nearest(one: Both, wanted: dict[str, int]) -> None:
    """Bit by bit, the highest of the first field first, what is wanted where that leaves a packet."""
    if one.members:
        assert (
            one.packets.nearest(wanted)
            == POINTS[
                min(one.members, key=lambda number: tuple(POINTS[number][name] ^ wanted[name] for name in WIDTHS))
            ]
        )


@given(SETS, st.sampled_from(sorted(WIDTHS)))
def test_intervals(one: Both, name: str) -> None:
    """The values of a field, in as few ranges as can be; a limit leaves the lowest."""
    found = {POINTS[number][name] for number in one.members}
    ranges = intervals(one.packets, name)
    assert {value for low, high in ranges for value in range(low, high + 1)} == found
    assert len(ranges) == sum(value - 1 not in found for value in found)
    assert intervals(one.packets, name, 1) == ranges[:1]


@given(st.integers(0, 255), st.integers(0, 255))
def test_cidrs(low: int, high: int) -> None:
    networks = cidrs([(low, high)], 8)
    assert [each for start, length in networks for each in range(start, start + (1 << 8 - length))] == list(
        range(low, high + 1)
    )
    assert all(not start % (1 << 8 - length) for start, length in networks)
    assert len(networks) <= 14


# ── what is unknown ──


@given(SETS, SETS, SETS)
def test_possibly_and_surely(one: Both, if_so: Both, other: Both) -> None:
    answer, second = SPACE.unknown("answer"), SPACE.unknown("second")
    mixed = answer.choose(one.packets, second.choose(if_so.packets, other.packets))
    assert members(mixed.possibly()) == one.members | if_so.members | other.members
    assert members(mixed.surely()) == one.members & if_so.members & other.members
    assert mixed.onto(WIDTHS) == mixed.possibly()


# ── numbers ──


@given(numbers())
def test_vectors(number: Number) -> None:
    assert values(number.vector) == number.values


@pytest.mark.parametrize(
    ("there", "here"),
    [
        (Vector.raised, lambda value, amount: min(value + amount, 7)),
        (Vector.lowered, lambda value, amount: max(value - amount, 0)),
        (Vector.flipped, lambda value, amount: value ^ amount),
        (Vector.shifted, lambda value, amount: value << amount & 7),
        (lambda vector, amount: vector.shifted(-amount), lambda value, amount: value >> amount),
        (lambda vector, amount: vector.with_bits(amount, 5), lambda value, amount: value & ~amount | 5 & amount),
    ],
)
@given(number=numbers(), amount=SMALL)
def test_arithmetic(
    there: Callable[[Vector, int], Vector], here: Callable[[int, int], int], number: Number, amount: int
) -> None:
    assert values(there(number.vector, amount)) == tuple(here(value, amount) for value in number.values)


@given(numbers(), numbers(), SMALL)
def test_two_numbers(one: Number, other: Number, mask: int) -> None:
    pairs = list(zip(one.values, other.values, strict=True))
    assert values(one.vector.xored(other.vector)) == tuple(left ^ right for left, right in pairs)
    assert values(one.vector.with_bits(mask, other.vector)) == tuple(
        left & ~mask | right & mask for left, right in pairs
    )
    assert values(one.vector.joined(other.vector)) == tuple(left << 3 | right for left, right in pairs)
    assert members(one.vector.same_as(other.vector)) == {
        number for number, (left, right) in enumerate(pairs) if left == right
    }


@given(numbers(), SETS, numbers())
def test_numbers_that_are_equal_in_some_packets(one: Number, packets: Both, other: Number) -> None:
    expected = all(one.values[number] == other.values[number] for number in packets.members)
    assert one.vector.is_same_for(packets.packets, other.vector) == expected
    assert not one.vector.is_same_for(packets.packets, one.vector.joined(other.vector))


@given(numbers(), st.integers(0, 2), st.integers(1, 3))
def test_part(number: Number, low: int, bits: int) -> None:
    bits = min(bits, 3 - low)
    expected = tuple(value >> low & (1 << bits) - 1 for value in number.values)
    assert values(number.vector.part(low, bits)) == expected


@given(numbers(), SETS, numbers())
def test_where(one: Number, condition: Both, other: Number) -> None:
    pairs = enumerate(zip(one.values, other.values, strict=True))
    expected = tuple(left if number in condition.members else right for number, (left, right) in pairs)
    assert values(one.vector.where(condition.packets, other.vector)) == expected


@given(st.lists(st.tuples(SMALL, SMALL)))
def test_what_was_asked_before_changes_no_answer(questions: list[tuple[int, int]]) -> None:
    """Answers are kept, each under its own question."""
    vector = Space([Field("a", 3)]).field("a")
    expected = field("a")
    for one, other in questions:
        asked = (vector.masked(one, other), vector.among([one, other]), vector.between(one, other))
        again = (
            expected.where(asked[0], lambda value, one=one, other=other: value & other == one),  # type: ignore[misc]
            expected.where(asked[1], lambda value, one=one, other=other: value in (one, other)),  # type: ignore[misc]
            expected.where(asked[2], lambda value, one=one, other=other: one <= value <= other),  # type: ignore[misc]
        )
        for each in again:
            assert each.packets.size() == len(each.members) / len(ALL)
