"""Samples: in the set, the same each time, complete; and the text of a packet says the packet."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rulec.packetset.believable import sample
from rulec.packetset.fields import CHOICES, INTERFACES, ORDERS, width
from rulec.packetset.fields import fields as all_fields
from rulec.packetset.names import mac_text
from rulec.packetset.ordinary import ordinary
from rulec.packetset.packet import Packet, as_set, read_packet, with_value
from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Space

PATTERNS = ("eth0", "ppp+", "lo", "docker0")
MACS = ("02:00:00:00:00:01", "00:16:3e:00:00:07", "02:00:00:00:00:02")
NAMES = ORDERS["interfaces"]
OFTEN = (
    "proto",
    "src",
    "dst",
    "sport",
    "dport",
    "tcp_flags",
    "icmp_type",
    "iif",
    "oif",
    "ctstate",
    "ctdir",
    "dst_type",
)

Making = Callable[[Space], PacketSet]
"""How a set is made in any space."""


def spaces() -> list[Space]:
    every = (all_fields(bits, PATTERNS, order, macs=MACS) for bits in (32, 128) for order in ORDERS)
    return [Space(fields, 1 << 26, 1 << 12) for fields in every]


SPACES = spaces()


@st.composite
def conditions(draw: st.DrawFn) -> Making:
    """Something asked of one field."""
    name = draw(st.sampled_from(OFTEN) | st.sampled_from(NAMES))
    if name in INTERFACES:
        pattern = draw(st.sampled_from(("", *PATTERNS)))
        return lambda space: with_value(space, name, pattern)
    if name == "mac":
        address = draw(st.sampled_from((*MACS, "02:00:00:00:00:03")))
        return lambda space: with_value(space, name, address)
    if name in CHOICES:
        word = draw(st.integers(0, len(CHOICES[name]) - 1))
        return lambda space: with_value(space, name, word)
    largest = (1 << width(name, 32)) - 1
    one, other = draw(st.integers(0, largest)), draw(st.integers(0, largest) | st.sampled_from([255, largest]))
    if draw(st.booleans()):
        return lambda space: space.field(name).between(one, other | one)
    return lambda space: space.field(name).masked(one & other, other)


def _all_of(inner: st.SearchStrategy[Making]) -> st.SearchStrategy[Making]:
    return st.one_of(
        st.builds(lambda one, other: lambda space: one(space) & other(space), inner, inner),
        st.builds(lambda one, other: lambda space: one(space) | other(space), inner, inner),
        st.builds(lambda one, other: lambda space: one(space) - other(space), inner, inner),
        st.builds(lambda one, key: lambda space: one(space) & space.unknown(key), inner, st.integers(0, 3)),
    )


SETS = st.recursive(conditions(), _all_of, max_leaves=12)


def _named(space: Space) -> PacketSet:
    return with_value(space, "mac", MACS[0])


def completed(packet: Packet, space: Space) -> PacketSet:
    """The packet of which all that is not said is what it ordinarily is."""
    said = {}
    for name, value in packet.items():
        names = space.fields[name].names
        said[name] = names.number(str(value)) if names is not None else int(value)
    found = ordinary(packet.bits, said)
    return space.only({name: found.get(name, 0) for name in space.fields})


@pytest.mark.parametrize("space", SPACES, ids=[f"{bits} {order}" for bits in (32, 128) for order in ORDERS])
@given(make=SETS)
@example(make=lambda space: (with_value(space, "dst_type", 0) | _named(space)) - with_value(space, "iif", ""))
@settings(max_examples=60, deadline=None)
def test_a_sample_is_in_the_set(space: Space, make: Making) -> None:
    packets = make(space)
    found = sample(packets)
    assert (found is None) == packets.is_empty()
    if found is not None:
        assert as_set(found, space).meets(packets)
        assert completed(found, space) <= as_set(found, space)
        assert completed(found, space).meets(packets), "what is not said may be what it ordinarily is"
        assert read_packet(str(found)) == found


@given(SETS)
@settings(max_examples=20, deadline=None)
def test_the_same_set_gives_the_same_sample(make: Making) -> None:
    """Whatever else the space has held before."""
    for old, new in zip(SPACES, spaces(), strict=True):
        new.unknown("something else")
        assert str(sample(make(old))) == str(sample(make(new)))


# ── text ──

NAMES_OF_INTERFACES = st.text(st.characters(exclude_categories=["Z", "C"]), max_size=15)


@st.composite
def packets(draw: st.DrawFn) -> Packet:
    """Any fields, with any values."""
    bits = draw(st.sampled_from([32, 128]))
    chosen: dict[str, int | str] = {}
    for name in draw(st.sets(st.sampled_from(NAMES))):
        if name in INTERFACES:
            chosen[name] = draw(NAMES_OF_INTERFACES)
        elif name == "mac":
            chosen[name] = mac_text(draw(st.integers(0, (1 << 48) - 1)))
        else:
            largest = len(CHOICES[name]) - 1 if name in CHOICES else (1 << width(name, bits)) - 1
            chosen[name] = draw(st.integers(0, largest))
    return Packet(bits, chosen)


@given(packets())
@settings(max_examples=400)
def test_the_text_of_a_packet_says_the_packet(packet: Packet) -> None:
    text = str(packet)
    again = read_packet(text)
    assert again == packet
    assert hash(again) == hash(packet)
    assert str(again) == text


@given(packets(), st.randoms())
def test_words_may_stand_in_any_order(packet: Packet, random: object) -> None:
    """Behind the addresses; a word and what stands behind it stay together."""
    fields = [f"{name}={value}" for name, value in packet.items() if name.startswith("has_")]
    plain = Packet(packet.bits, {name: value for name, value in packet.items() if not name.startswith("has_")})
    random.shuffle(fields)  # type: ignore[attr-defined]
    if not {"mac", "mss", "uid", "gid"} & packet.keys():
        assert read_packet(" ".join([str(plain), *fields])) == packet
