"""A set of packets in words: which values each field can have, and whether that says it all.

A set that allows some values of each field, whatever the others are, is a
product, and its region is exact.  Other sets are split, first by protocol, into
a few that are.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any, NamedTuple

from rulec.model.protocols import ICMP, ICMPV6, TCP, UDP
from rulec.packetset.fields import ORDERS
from rulec.packetset.packetset import PacketSet
from rulec.packetset.region_text import LISTED, show_masked, show_names, show_ranges, show_region
from rulec.packetset.space import Space

__all__ = ["Region", "Values", "cidrs", "describe", "intervals", "regions"]

Range = tuple[int, int]

MOST_RANGES = 100
"""So many ranges of one field are listed at most."""

_READ_FIRST: tuple[str, ...] = (
    "proto", "src", "dst", "sport", "dport", "tcp_flags", "icmp_type", "icmp_code", "iif", "oif", "ctstate",
)  # fmt: skip
_READ_LATER = tuple(name for name in ORDERS["interfaces"] if name not in _READ_FIRST)
_SPLITTING = ("dport", "dst", "src", "icmp_type", "iif", "oif", "ctstate", "sport")
"""The fields by which a set is split, after the protocol."""


class Values(NamedTuple):
    """The values of one field: ranges of numbers, MOST_RANGES of them at most, and a text."""

    ranges: tuple[Range, ...]
    text: str


class Region(NamedTuple):
    """The values that each field can have; a field that may be anything is missing.

    ``exact`` says that every packet with such values is in the set, of those
    among which the set was looked at.
    """

    bits: int
    fields: tuple[tuple[str, Values], ...]
    exact: bool

    def __str__(self) -> str:
        text = show_region({name: values.text for name, values in self.fields})
        return text if self.exact else f"some of {text}"


def intervals(packets: PacketSet, name: str, limit: int = MOST_RANGES) -> list[Range]:
    """The values that a field has in a set, as ranges with gaps between them; no more than ``limit``, the lowest."""
    places = packets.space.places(name)
    return list(islice(_joined(_ranges(packets.onto([name]).function, places.start, places.stop, 0)), limit))


def cidrs(ranges: list[Range], bits: int) -> list[tuple[int, int]]:
    """Ranges of addresses as networks: address and length of the prefix."""
    return [network for low, high in ranges for network in _networks(low, high, bits)]


def describe(packets: PacketSet, within: PacketSet | None = None) -> Region:
    """The region of a set, as one of the packets ``within``: only what sets it apart from those is said."""
    space: Space = packets.space
    within = space.everything if within is None else within
    found, product = [], within
    parts = (_restricted(packets, within, names) for names in (_READ_FIRST, _READ_LATER))
    for name, values in chain.from_iterable(parts):
        found.append((name, _values(values, name)))
        product &= values
    return Region(space.fields["src"].bits, tuple(found), product == packets)


def regions(packets: PacketSet, within: PacketSet | None = None, most: int = 4) -> list[Region]:
    """The regions of the parts of a set, at most ``most``, the largest first; parts that are exact where there are."""
    within = packets.space.everything if within is None else within
    parts = sorted(_parts(packets, within, most), key=lambda part: -part.size())
    return [describe(part, within) for part in parts]


# ── one field ──


def _restricted(packets: PacketSet, within: PacketSet, names: tuple[str, ...]) -> Iterator[tuple[str, PacketSet]]:
    """The fields that cannot have all values, each as a set; fields that can are passed by together."""
    packets, within = packets.onto(names), packets.space.once(("onto", within, names), lambda: within.onto(names))
    if packets == within:
        return
    if len(names) == 1:
        yield names[0], packets
        return
    for half in (names[: len(names) // 2], names[len(names) // 2 :]):
        yield from _restricted(packets, within, half)


def _values(packets: PacketSet, name: str) -> Values:
    """What is shorter: the values that a field can have, or those that it cannot have."""
    space: Space = packets.space
    bits, names, most = space.fields["src"].bits, space.fields[name].names, MOST_RANGES + 1
    ranges, others, masked = intervals(packets, name, most), intervals(~packets, name, most), _mask(packets, name)
    if names is not None:
        text = show_names(names, (number for low, high in ranges for number in range(low, high + 1)))
    elif masked and (len(ranges) > LISTED or name == "tcp_flags"):
        text = show_masked(name, bits, *masked)
    elif len(others) < len(ranges):
        text = f"not {show_ranges(name, bits, others)}"
    else:
        text = show_ranges(name, bits, ranges)
    return Values(tuple(ranges[:MOST_RANGES]), text)


def _mask(packets: PacketSet, name: str) -> Range | None:
    """The value and mask that say the same as a set, if there are any."""
    function, value, mask = packets.function, 0, 0
    while (variable := function.node_var()) is not None:
        bit = 1 << packets.space.bit_of(variable)[1]
        then, otherwise = function.cofactors()
        if then.satisfiable() and otherwise.satisfiable():
            return None
        mask |= bit
        value |= bit if then.satisfiable() else 0
        function = then if then.satisfiable() else otherwise
    return value, mask


def _networks(low: int, high: int, bits: int) -> Iterator[tuple[int, int]]:
    """The largest network that begins at the lowest address and does not go too far, and so on."""
    while low <= high:
        aligned = (low & -low).bit_length() - 1 if low else bits
        free = min(aligned, (high - low + 1).bit_length() - 1)
        yield low, bits - free
        low += 1 << free


def _ranges(function: Any, variable: int, end: int, low: int) -> Iterator[Range]:
    """The ranges of a function of the variables up to ``end``, the lowest first; neighbours may touch."""
    if function.valid():
        yield low, low + (1 << end - variable) - 1
    elif function.satisfiable():
        then, otherwise = function.cofactors() if function.node_var() == variable else (function, function)
        yield from _ranges(otherwise, variable + 1, end, low)
        yield from _ranges(then, variable + 1, end, low + (1 << end - variable - 1))


def _joined(ranges: Iterator[Range]) -> Iterator[Range]:
    """Ranges that touch as one."""
    low = high = None
    for first, last in ranges:
        if high is not None and first == high + 1:
            high = last
            continue
        if low is not None and high is not None:
            yield low, high
        low, high = first, last
    if low is not None and high is not None:
        yield low, high


# ── parts ──


def _parts(packets: PacketSet, within: PacketSet, room: int) -> list[PacketSet]:
    """Split by protocol, and each part further."""
    if packets.is_empty():
        return []
    protocols = _by_protocol(packets)
    if describe(packets, within).exact or not 1 < len(protocols) <= room:
        return _finer(packets, within, room)
    parts: list[PacketSet] = []
    for done, part in enumerate(protocols):
        parts += _finer(part, within, room - len(parts) - (len(protocols) - done - 1))
    return parts if any(describe(part, within).exact for part in parts) else [packets]


def _by_protocol(packets: PacketSet) -> list[PacketSet]:
    protocol = packets.space.field("proto")
    known = [protocol.equals(number) for number in (TCP, UDP, ICMP, ICMPV6)]
    parts = [packets & each for each in (*known, ~packets.space.union(known))]
    return [part for part in parts if not part.is_empty()]


def _finer(packets: PacketSet, within: PacketSet, room: int) -> list[PacketSet]:
    """Parts that are exact, at most ``room``; the set itself where there are none."""
    if describe(packets, within).exact:
        return [packets]
    for split in (_by_ranges, _by_all):
        for name in _SPLITTING:
            parts = split(packets, within, name, room)
            if 1 < len(parts) <= room and all(describe(part, within).exact for part in parts):
                return parts
    return [packets]


def _by_ranges(packets: PacketSet, within: PacketSet, name: str, room: int) -> list[PacketSet]:
    field = packets.space.field(name)
    return [packets & field.between(*each) for each in intervals(packets, name, room + 1)]


def _by_all(packets: PacketSet, within: PacketSet, name: str, room: int) -> list[PacketSet]:
    """The values with which the other fields may be anything, and the rest."""
    missing = (within & packets.onto(["proto"])) - packets
    always = packets - missing.onto([name])
    return [always, *_finer(packets - always, within, room - 1)] if room > 1 and not always.is_empty() else []
