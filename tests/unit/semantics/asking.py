"""One rule and one packet, of which some fields are given, and whether the rule matches."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import cache

import rulec
from rulec.model import Family, Rule
from rulec.packetset.field_text import read_value
from rulec.packetset.fields import STATES, fields
from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Space
from rulec.packetset.vector import Vector
from rulec.semantics.place import Hook, Memory, Place, Values
from rulec.semantics.rule import matching

Packet = Mapping[str, int | str]
"""Fields by name, as numbers or as people write them; ``state`` is what conntrack has made of the packet."""

TCP: Packet = {"proto": 6, "later_fragment": 0}
UDP: Packet = {"proto": 17, "later_fragment": 0}
ICMP: Packet = {"proto": 1, "later_fragment": 0}
ICMPV6: Packet = {
    "proto": 58, "later_fragment": 0, "has_hop": 0, "has_dst": 0, "has_route": 0, "has_frag": 0, "has_auth": 0,
}  # fmt: skip
"""Packets that hold the header of their protocol, without extension headers."""

PATTERNS = ("eth0", "eth1", "eth+", "br0")
"""The interfaces that rules may name here."""

MACS = ("00:16:3e:00:00:01", "00:16:3e:00:00:02", "00:01:00:ff:00:09", "52:54:00:12:34:56")
"""The MAC addresses that they may."""


@cache
def space(family: Family) -> Space:
    """The packets of a family, in little memory."""
    return Space(fields(family.bits, PATTERNS, macs=MACS), 1 << 26, 1 << 12)


def rule_of(text: str, family: Family = Family.IPV4, chain: str = "PREROUTING") -> Rule:
    """A rule as it is read; the test fails where it is none."""
    ruleset = rulec.parse(f"*mangle\n-A {chain} {text}\nCOMMIT\n", "rules", family.value)
    assert ruleset.valid, ruleset.findings
    return next(iter(ruleset.rules(ruleset.tables["mangle"].chains[chain]))).rule


def place(
    family: Family = Family.IPV4,
    at: str = "arriving PREROUTING",
    memory: Memory | None = None,
    values: Values | None = None,
    visit: Hashable = None,
) -> Place:
    """A place in mangle, by path and hook."""
    path, chain = at.split()
    hook = Hook(path, chain, "mangle")
    return Place(space(family), family, hook, values or Values({}), memory or Memory(), visit)


def matched(text: str, where: Place | None = None) -> PacketSet:
    """The packets that a rule matches; unless a place is given, where IPv4 packets arrive."""
    there = where or place()
    return matching(rule_of(text, there.family, there.hook.name), there)


def holds(text: str, packet: Packet, family: Family = Family.IPV4, at: str = "arriving PREROUTING") -> bool | None:
    """Whether the rule matches all packets with these fields (True) or none (False); None where that is unknown."""
    values = Values({"state": _state(family, str(packet["state"]))} if "state" in packet else {})
    found = matched(text, place(family, at, values=values))
    packets = _packets(packet, family)
    assert not packets.is_empty()
    if packets <= found.surely():
        return True
    return None if packets.meets(found.possibly()) else False


def _packets(packet: Packet, family: Family) -> PacketSet:
    everything = space(family).everything
    for name, value in packet.items():
        if name != "state":
            everything &= space(family).field(name).equals(_number(name, value, family))
    return everything


def _number(name: str, value: int | str, family: Family) -> int:
    read = read_value(name, family.bits, value) if isinstance(value, str) else value
    if isinstance(read, str):
        names = space(family).fields[name].names
        assert names is not None
        return names.number(read)
    return read


def _state(family: Family, name: str) -> Vector:
    return space(family).constant(3, STATES.index(name))
