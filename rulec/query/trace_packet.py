"""What a packet is of which a text says something: the path that it takes, and what goes without saying."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from rulec.packetset.field_text import Value, show_value
from rulec.packetset.fields import ADDRESS_TYPES, EXTENSION_HEADERS, PACKET_TYPES, PRIORS, TRACKED_STATES
from rulec.packetset.packet import Packet, as_set, with_value
from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Space

OWN = frozenset(map(ADDRESS_TYPES.index, ("LOCAL", "BROADCAST", "ANYCAST", "MULTICAST")))
"""The types of address of packets that the host takes for its own."""

_QUIET: dict[str, Value] = {
    "later_fragment": 0, "more_fragments": 0, "bridged": 0, "physin": "", "physout": "", "frag_reserved": 0,
    **{f"has_{header}": 0 for header in EXTENSION_HEADERS},
}  # fmt: skip
_LOCAL, _UNICAST = ADDRESS_TYPES.index("LOCAL"), ADDRESS_TYPES.index("UNICAST")
_BROADCAST, _MULTICAST = ADDRESS_TYPES.index("BROADCAST"), ADDRESS_TYPES.index("MULTICAST")
_NEW, _RELATED = TRACKED_STATES.index("NEW"), TRACKED_STATES.index("RELATED")
_LOUD = ("mark", "connmark", "ctdir", "snat", "dnat", "pkttype", "src_type", "dst_type")


class Course(NamedTuple):
    """The paths to follow, the first of them the likely one; ``reason`` says why, empty where somebody chose."""

    paths: tuple[str, ...]
    reason: str


def course(packet: Mapping[str, Value], chosen: str = "") -> Course:
    """Where a packet goes: as chosen, or as its interfaces and the type of its destination tell.

    Of a packet that comes in and of which nothing says that it goes out, NAT may
    change where it goes: both paths are followed then.
    """
    if chosen:
        return Course((chosen,), "")
    arrives, leaves = packet.get("iif"), packet.get("oif")
    kind = packet.get("dst_type", _LOCAL)
    if leaves:
        return Course(("forward",), "in and out") if arrives else Course(("output",), "out, and not in")
    if kind not in OWN:
        return Course(("forward",), f"to {show_value('dst_type', 32, kind).lower()}")
    if "dst_type" in packet:
        return Course(("input", "forward"), f"to {show_value('dst_type', 32, kind).lower()}")
    return Course(("input", "forward"), "in, and not out" if arrives else "neither in nor out")


class Granted:
    """The packet that a text means: with what it says, and with what goes without saying.

    ``told`` are the fields that are worth a word where a rule looks at them.
    """

    def __init__(self, packet: Packet, course: Course, moves: bool) -> None:
        self.packet = packet
        self._course = course
        self._moves = moves
        self.fields: dict[str, Value] = {
            name: value for name, value in self._all() if name not in packet and value is not None
        }

    def packets(self, space: Space) -> PacketSet:
        """All packets that it may be."""
        found = as_set(self.packet, space)
        for name, value in self.fields.items():
            found &= with_value(space, name, value)
        if "first" not in self.packet:
            begins = space.field("ctstate").among((_NEW, _RELATED))
            found &= ~begins | space.flag("first")
        if "forward" in self._course.paths and "ttl" not in self.packet:
            found &= space.field("ttl").between(2, 255)
        return found - self._elsewhere(space)

    def told(self, looked_at: frozenset[str]) -> Iterator[str]:
        """What was granted, and looked at."""
        for name in _LOUD:
            if name in self.fields and name in looked_at:
                yield f"{name}={show_value(name, self.packet.bits, self.fields[name])}"

    def _elsewhere(self, space: Space) -> PacketSet:
        """Packets that do not go the way that was chosen."""
        names = space.fields["iif"].names
        assert names is not None
        found = space.nothing
        if self._course.paths[0] != "output":
            found |= space.field("iif").equals(names.number(""))
        if self._course.paths[0] != "input":
            found |= space.field("oif").equals(names.number(""))
        if self._course.paths == ("forward",) and "iif" not in self.packet:
            found |= space.field("iif").equals(names.number("lo"))
        return found

    def _all(self) -> Iterator[tuple[str, Value | None]]:
        leaves, state = self._course.paths == ("output",), self.packet.get("ctstate")
        yield from _QUIET.items()
        yield "prior", None if self.packet.get("iif") == "lo" and not leaves else PRIORS.index("nothing")
        yield "has_socket", None if leaves else 0
        yield "mark", 0
        yield "connmark", 0 if state == _NEW else None
        yield from (("ctdir", 0), ("snat", 0), ("dnat", 0))
        kind = self._kind()
        yield "dst_type", kind
        yield "pkttype", self._frame()
        yield "src_type", _LOCAL if leaves or self.packet.get("iif") == "lo" else _UNICAST

    def _kind(self) -> int | None:
        """The type of its destination: none to say where NAT may yet make it another."""
        if self._destination() is not None:
            return self._destination()
        if self._course.paths[0] == "input":
            return _LOCAL
        if self._course.paths == ("output",):
            return _LOCAL if self.packet.get("oif") == "lo" else _UNICAST
        return None if self._moves else _UNICAST

    def _frame(self) -> int:
        name = {_BROADCAST: "broadcast", _MULTICAST: "multicast"}.get(self._destination() or 0, "unicast")
        return PACKET_TYPES.index(name)

    def _destination(self) -> int | None:
        """What every host takes an address for."""
        address, bits = self.packet.get("dst"), self.packet.bits
        if not isinstance(address, int):
            return None
        if bits == 32 and address == 2**32 - 1:
            return _BROADCAST
        return _MULTICAST if address >> (bits - (4 if bits == 32 else 8)) == (0xE if bits == 32 else 0xFF) else None
