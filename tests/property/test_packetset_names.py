"""Classes of names: patterns match a class as they match each of its names."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rulec.packetset.fields import fields
from rulec.packetset.names import LONGEST, Macs, Names, mac_text
from rulec.packetset.packet import Packet, as_set
from rulec.packetset.space import Space

NAMES = st.text("ab0.", min_size=1, max_size=4) | st.sampled_from(["eth0", "eth1", "ppp0", "a" * LONGEST])
PATTERNS = st.sets(NAMES | st.builds(lambda name: name[: LONGEST - 1] + "+", NAMES | st.just("")), max_size=8)


def matches(pattern: str, name: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("+") else name == pattern


@given(PATTERNS, st.lists(NAMES | st.just(""), max_size=5))
def test_patterns_match_classes(patterns: set[str], others: list[str]) -> None:
    names = Names(patterns)
    for name in {*others, *(pattern.rstrip("+") for pattern in patterns)}:
        for pattern in patterns:
            assert (names.number(name) in names.matching(pattern)) == matches(pattern, name)


@given(PATTERNS)
def test_every_class_has_an_example(patterns: set[str]) -> None:
    names = Names(patterns)
    assert [names.number(example) for example in names.examples] == list(range(len(names.examples)))
    assert all(len(example) <= LONGEST for example in names.examples)
    assert all(matches(label, example) for label, example in zip(names.labels, names.examples, strict=True))


@given(PATTERNS)
def test_every_number_means_something(patterns: set[str]) -> None:
    """No set of packets is left over that is of no name."""
    names = Names(patterns)
    assert names.matching("+") == list(range(1 << names.bits))
    covered = [number for example in names.examples for number in names.matching(example)]
    assert sorted(covered) == list(range(1 << names.bits))


@given(PATTERNS)
def test_only_the_names_that_no_pattern_matches_have_several_numbers(patterns: set[str]) -> None:
    """So that the class of any other name may be asked for by its number."""
    names = Names(patterns)
    for label, example in zip(names.labels, names.examples, strict=True):
        assert label == "+" or names.matching(example) == [names.number(example)]


ADDRESSES = st.integers(0x00163E000005, 0x00163E00000C).map(mac_text)


@given(st.lists(ADDRESSES, max_size=6), ADDRESSES, ADDRESSES)
def test_mac_addresses_differ_where_one_is_named(named: list[str], one: str, other: str) -> None:
    space = Space(fields(32, macs=named))
    sets = [as_set(Packet(32, {"mac": address}), space) for address in (one, other)]
    same = one == other or not {one, other} & set(named)
    assert (sets[0] == sets[1]) == sets[0].meets(sets[1]) == same


@given(st.lists(ADDRESSES, max_size=6))
def test_every_number_means_some_mac_address(named: list[str]) -> None:
    macs = Macs(named)
    assert [macs.number(example) for example in macs.examples] == list(range(len(macs.examples)))
    covered = [number for example in macs.examples for number in macs.matching(example)]
    assert sorted(covered) == list(range(1 << macs.bits))


@given(PATTERNS, NAMES, NAMES)
def test_packets_of_other_names_differ_only_where_a_pattern_tells(patterns: set[str], one: str, other: str) -> None:
    space = Space(fields(32, patterns))
    same = all(matches(pattern, one) == matches(pattern, other) for pattern in {*patterns, "lo"})
    sets = [as_set(Packet(32, {"iif": name}), space) for name in (one, other)]
    assert (sets[0] == sets[1]) == same
    assert sets[0].meets(sets[1]) == same
