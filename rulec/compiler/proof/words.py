"""Counterexamples put into words: a packet, what began its flow, the rules that decide on it."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.analysis.flows import Pair
from rulec.analysis.sides import Side
from rulec.analysis.witness import ORDINARY
from rulec.compiler.certificate import Failure
from rulec.packetset.packetset import PacketSet
from rulec.packetset.regions import regions
from rulec.semantics.effects import CHANGES_NOTHING, CONTINUES
from rulec.semantics.program import Step

_ENDING = CHANGES_NOTHING - CONTINUES
_TOLD = ("src", "dst", "proto", "sport", "dport", "icmp_type", "iif", "oif")


def failure(
    pair: Pair, part: str, path: str, message: str, packets: PacketSet, began: PacketSet | None = None
) -> Failure:
    """One of some packets, and the lines that decide on it under both rulesets."""
    first = "" if began is None or began.is_empty() else pair.witness(began, path)
    one = pair.space.only(packets.nearest({**dict.fromkeys(pair.space.fields, 0), **ORDINARY[pair.family.bits]}))
    lines = (tuple(deciding(side, path, one)) for side in (pair.old, pair.new))
    return Failure(part, path, message, pair.witness(packets, path), first, *lines)


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
    found = [met.step.line for met in side.met(path, packets, _ends) if not met.packets.is_empty()]
    yield from list(dict.fromkeys(reversed(found)))[:most]


def _ends(step: Step) -> bool:
    return step.verdict in ("ACCEPT", "DROP") or step.extension in _ENDING
