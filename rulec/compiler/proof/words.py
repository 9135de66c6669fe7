"""Counterexamples put into words: a packet, what began its flow, the rules that decide on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rulec.analysis.flows import Pair, Side
from rulec.analysis.narrow import matches_among
from rulec.compiler.certificate import Failure
from rulec.packetset.packetset import PacketSet
from rulec.packetset.regions import regions
from rulec.semantics.effects import CHANGES_NOTHING, CONTINUES

_NEAR: dict[int, dict[str, Any]] = {
    32: {"src": 0xC6336407, "dst": 0xC0000201, "sport": 40000, "dport": 80},
    128: {"src": 0x20010DB8 << 96 | 7, "dst": 0x20010DB8 << 96 | 1, "sport": 40000, "dport": 80},
}

_ENDING = CHANGES_NOTHING - CONTINUES
_TOLD = ("src", "dst", "proto", "sport", "dport", "icmp_type", "iif", "oif")


def failure(
    pair: Pair, part: str, path: str, message: str, packets: PacketSet, began: PacketSet | None = None
) -> Failure:
    """One of some packets, and the lines that decide on it under both rulesets."""
    first = "" if began is None or began.is_empty() else pair.witness(began, path)
    one = pair.space.only(packets.nearest({**dict.fromkeys(pair.space.fields, 0), **_NEAR[pair.family.bits]}))
    lines = (tuple(deciding(side, path, one)) for side in (pair.old, pair.new))
    return Failure(part, path, message, pair.witness(packets, path), first, *lines)


def a_few(packets: PacketSet) -> PacketSet:
    """Those with one pair of ends, as far as the set looks at them."""
    return packets.some(_NEAR[packets.space.fields["src"].bits])


def regions_of(packets: PacketSet, pair: Pair, path: str) -> str:
    """Some packets as flows, the largest first."""
    usual = pair.usual(path).onto(_TOLD)
    within = usual if (packets.onto(_TOLD) - usual).is_empty() else pair.takes(path).onto(_TOLD)
    if not packets.meets(pair.groups("dst")):
        within -= pair.groups("dst")
    found = regions(packets.onto(_TOLD), within=within)
    return "; ".join(str(each) for each in found)


def deciding(side: Side, path: str, packets: PacketSet, most: int = 3) -> Iterator[int]:
    """The lines of the last rules that end the way of some packets through a table."""
    found = []
    for reach in side.way(path).reaches:
        step = reach.step
        ends = step.verdict in ("ACCEPT", "DROP") or step.extension in _ENDING
        if ends and reach.is_met and not matches_among(reach, packets).is_empty():
            found.append(step.line)
    yield from list(dict.fromkeys(reversed(found)))[:most]
