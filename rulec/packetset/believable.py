"""The packet out of a set that a person would believe.

Wishes are tried one after the other, and each that leaves a packet is kept: a
whole packet that begins a connection, from an address that is set aside for
examples, from a port that clients have, to a service that everybody knows.
What no wish has settled becomes what it ordinarily is, as far as the set allows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rulec.model.protocols import ICMP, ICMPV6, NEVER_TRACKED, TCP
from rulec.packetset.names import Classes
from rulec.packetset.ordinary import ordinary
from rulec.packetset.packet import Packet
from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Field, Space
from rulec.packetset.wishes import WITH_PORTS, Option, Wishes

_ASKED = ("oif", "iif", "ctstate", "ctdir")
"""What is said where the set asks for it, whatever it is."""


def sample(packets: PacketSet) -> Packet | None:
    """A packet of a set, None where it is empty; the same one for the same set and space.

    It says what a person wants to read, and all else that the set asks for: what
    is not said may be what it ordinarily is.
    """
    if packets.is_empty():
        return None
    space: Space = packets.space
    wishes = space.once("wishes", lambda: Wishes(space))
    return _said(packets, _chosen(packets, wishes), wishes.bits)


# ── choosing ──


def _chosen(packets: PacketSet, wishes: Wishes) -> dict[str, int]:
    """The numbers of all fields of one packet."""
    rest = _Rest(packets)
    rest.keep_all(wishes.plain, wishes.all_plain)
    rest.tell(wishes)
    protocol = rest.settle("proto", wishes.protocols)
    arrival = rest.settle("iif", wishes.interfaces("iif"))
    departure = rest.settle("oif", wishes.interfaces("oif", arrival))
    loopback = wishes.is_loopback("iif", arrival) or wishes.is_loopback("oif", departure)
    rest.settle("src", wishes.addresses("src", loopback))
    rest.settle("dst", wishes.addresses("dst", loopback))
    if protocol in WITH_PORTS:
        rest.settle("dport", wishes.destination_ports(protocol))
        rest.settle("sport", wishes.source_ports())
    if protocol == TCP:
        rest.settle("tcp_flags", wishes.flags())
    rest.settle("dst_type", wishes.kinds)
    return rest.numbers(wishes.bits)


class _Rest:
    """The packets of a set that are left after some wishes; ``known`` are the fields that are settled."""

    def __init__(self, packets: PacketSet) -> None:
        self.packets = packets
        self.known: dict[str, int] = {}

    def keep(self, wish: PacketSet) -> bool:
        """Keep a wish if it leaves a packet."""
        narrower = self.packets & wish
        if narrower.is_empty():
            return False
        self.packets = narrower
        return True

    def keep_all(self, wishes: Iterable[PacketSet], together: PacketSet) -> None:
        """Keep as many wishes as can be; most often that is all of them."""
        if not self.keep(together):
            for wish in wishes:
                self.keep(wish)

    def tell(self, wishes: Wishes) -> None:
        """Keep the first story that one would believe, or else the first that is possible."""
        if any(self.keep(story) for told in wishes.told for story in told.stories):
            return
        self.keep(wishes.whole)
        any(self.keep(told.protocol) for told in wishes.told)
        any(self.keep(story) for story in wishes.possible)

    def settle(self, name: str, options: Iterable[Option]) -> int:
        """Settle a field by the first option that leaves a packet; the last one of a list always does."""
        option = next(option for option in options if self.keep(option.packets))
        self.known[name] = option.near
        if not option.exact:
            self.known[name] = self.packets.nearest({name: option.near})[name]
            self.packets &= self.packets.space.field(name).equals(self.known[name])
        return self.known[name]

    def numbers(self, bits: int) -> dict[str, int]:
        """All fields: those that are settled, and the others as they ordinarily are if they may."""
        names = ("ctstate", "ctdir")
        self.known.update(self.packets.nearest(dict.fromkeys(names, 0)))
        near = ordinary(bits, self.known)
        return self.packets.nearest({name: near.get(name, 0) for name in self.packets.space.fields})


# ── saying ──


def _said(packets: PacketSet, numbers: dict[str, int], bits: int) -> Packet:
    """The fields that matter: those that people read, and those that the set asks for."""
    space: Space = packets.space
    said = {name: numbers[name] for name in _always(numbers, bits)}
    said.update(
        {name: number for name, number in _asked(packets, numbers).items() if name not in _never(numbers, bits)}
    )
    usual = ordinary(bits, said)
    numbers = {**numbers, **{name: usual.get(name, 0) for name in _ASKED if name not in said}}
    forced = [name for name, number in numbers.items() if number != usual.get(name, 0)]
    left = packets & space.only({name: number for name, number in numbers.items() if name not in forced})
    for place, name in enumerate(forced, 1):
        others = space.only({other: numbers[other] for other in forced[place:]})
        narrower = left & space.field(name).equals(usual.get(name, 0))
        if not narrower.meets(others):
            said[name] = numbers[name]
            narrower = left & space.field(name).equals(numbers[name])
        left = narrower
    fields = {name: _value(space.fields[name], number) for name, number in said.items()}
    return Packet(bits, {**fields, **_leaving_elsewhere(fields, space.fields["oif"].names)})


def _leaving_elsewhere(fields: Mapping[str, int | str], names: Classes | None) -> dict[str, str]:
    """Another interface to leave by than the one where it came from, where nothing tells the two apart."""
    if names is None or "oif" not in fields or fields["oif"] != fields.get("iif"):
        return {}
    return {"oif": names.another(str(fields["oif"]))}


def _asked(packets: PacketSet, numbers: Mapping[str, int]) -> dict[str, int]:
    """The fields on which it depends whether the packet is in the set, all others being as they are."""
    space: Space = packets.space
    left = packets & space.only({name: number for name, number in numbers.items() if name not in _ASKED})
    left, said = left.onto(_ASKED), {}
    for name in _ASKED:
        if left.without([name]) != left:
            said[name] = numbers[name]
            left &= space.field(name).equals(numbers[name])
    return said if said.get("ctdir") else {name: said[name] for name in said if name != "ctdir"}


def _never(numbers: Mapping[str, int], bits: int) -> tuple[str, ...]:
    """What nobody asks of a packet in which connection tracking sees no connection."""
    untracked = numbers["proto"] == ICMPV6 and numbers["icmp_type"] in NEVER_TRACKED and bits == 128
    return ("ctstate", "ctdir") if untracked and not numbers["prior"] else ()


def _always(numbers: Mapping[str, int], bits: int) -> set[str]:
    """What people want to read of any packet."""
    names, protocol = {"proto", "src", "dst"}, numbers["proto"]
    if numbers["later_fragment"]:
        return names
    if protocol in WITH_PORTS:
        names |= {"sport", "dport"}
    if protocol == TCP:
        names.add("tcp_flags")
    return names | {"icmp_type", "icmp_code"} if protocol == (ICMP if bits == 32 else ICMPV6) else names


def _value(field: Field, number: int) -> int | str:
    """The last of the names, and of the words, stands for all numbers from its own on."""
    if field.names is not None:
        return field.names.examples[min(number, len(field.names.examples) - 1)]
    return min(number, len(field.choices) - 1) if field.choices else number
