"""One packet, as far as it is known: what a person can read, and what stands for a set of packets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rulec.packetset.field_text import Value
from rulec.packetset.fields import ORDERS
from rulec.packetset.packet_text import PacketError, read, show
from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Space

__all__ = ["Packet", "PacketError", "as_set", "read_packet"]

_PLACES = {name: place for place, name in enumerate(ORDERS["interfaces"])}


class Packet(Mapping[str, Value]):
    """The fields of a packet that are given: numbers, and names; the others may be anything.

    ``bits`` are those of its addresses.  ``str()`` gives its text, which
    ``read_packet`` reads.
    """

    __slots__ = ("bits", "_fields")

    def __init__(self, bits: int, fields: Mapping[str, Value]) -> None:
        self.bits = bits
        self._fields = {name: fields[name] for name in sorted(fields, key=_PLACES.__getitem__)}

    def __getitem__(self, name: str) -> Value:
        return self._fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Packet) and (self.bits, self._fields) == (other.bits, other._fields)

    def __hash__(self) -> int:
        return hash((self.bits, *self._fields.items()))

    def __str__(self) -> str:
        return show(self.bits, self._fields)

    def __repr__(self) -> str:
        return f"<Packet {self}>"


def read_packet(text: str) -> Packet:
    """The packet that a text says; PacketError where it says none."""
    return Packet(*read(text))


def as_set(packet: Packet, space: Space) -> PacketSet:
    """All packets with these values; what is not given may be anything."""
    found = space.everything
    for name in reversed(space.fields):
        if name in packet:
            found = with_value(space, name, packet[name]) & found
    return found


def with_value(space: Space, name: str, value: Value) -> PacketSet:
    """The packets of which a field has a value; for a name any will do, or a pattern of the space."""
    field = space.fields[name]
    if field.names is not None:
        return space.field(name).among(field.names.matching(str(value)))
    number = int(value)
    if field.choices and number >= len(field.choices) - 1:
        return space.field(name).between(len(field.choices) - 1, (1 << field.bits) - 1)
    return space.field(name).equals(number)
