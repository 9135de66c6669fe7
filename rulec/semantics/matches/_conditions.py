"""Conditions that several matches ask in the same way."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.catalogue.values.icmp import IcmpType
from rulec.model import Use
from rulec.packetset.packetset import PacketSet
from rulec.semantics.place import Condition, Place


def turned(use: Use, packets: PacketSet) -> Condition:
    """A condition, or its opposite where the option stands behind a ``!``."""
    return Condition(use, ~packets if use.negated else packets)


def ports(given: Given, place: Place) -> Iterator[Condition]:
    """``--sport`` and ``--dport``, each a range."""
    for use in given:
        if use.option in ("--sport", "--dport"):
            yield turned(use, place.field(use.option[2:]).between(*use.value))


def icmp_type(place: Place, wanted: IcmpType) -> PacketSet:
    """The packets with one type and a range of codes."""
    kind, first, last = wanted
    return place.field("icmp_type").equals(kind) & place.field("icmp_code").between(first, last)


def hops(given: Given, place: Place) -> Iterator[Condition]:
    """The time to live, or hop limit: equal, less, greater."""
    left = place.field("ttl")
    for use in given:
        kind = use.option.rpartition("-")[2]
        low, high = {"eq": (use.value, use.value), "lt": (0, use.value - 1), "gt": (use.value + 1, 255)}[kind]
        yield turned(use, left.between(low, high))


def header_length(place: Place, field: str, octets: int, unit: int = 8, more: int = 1) -> PacketSet:
    """The packets of which an extension header is so long; the field counts in units, and ``more`` are not counted."""
    count, rest = divmod(octets, unit)
    return place.space.nothing if rest or count < more else place.field(field).equals(count - more)


def options_header(given: Given, place: Place, header: str) -> Iterator[Condition]:
    """An extension header with options inside: its length; the options are unknown."""
    yield Condition(None, place.flag(f"has_{header}"))
    for use in given:
        if use.option.endswith("-len"):
            yield turned(use, header_length(place, f"{header}_len", use.value))
        else:
            yield turned(use, place.unknown((header, use.value)))
