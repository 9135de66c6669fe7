"""Flows of which one direction is untracked: packets, the answers to them, and what becomes of both."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any

from rulec.analysis.narrow import matches_among
from rulec.analysis.untracked import Spot, Untracking, first_lines
from rulec.model.protocols import TCP, UDP
from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Space
from rulec.packetset.vector import Vector
from rulec.semantics.paths import PATHS
from rulec.semantics.reach import Reach

ANSWERED_ON = {"input": "output", "output": "input", "forward": "forward"}
"""The way of the answers to what goes each way."""

_ANSWERED_AT = {"INPUT": "OUTPUT", "OUTPUT": "INPUT", "FORWARD": "FORWARD"}
"""The hook of the table filter where the answers are to what one lets through."""

_OTHER_SIDE = {"src": "dst", "dst": "src"}
_TURNED = (("src", "dst"), ("sport", "dport"), ("iif", "oif"), ("src_type", "dst_type"))
_INNER = ("src", "dst", "proto", "sport", "dport")
_FLOW = {
    "input": ("src", "dst", "sport", "dport", "proto", "iif", "src_type", "dst_type"),
    "output": ("src", "dst", "sport", "dport", "proto", "oif", "src_type", "dst_type"),
    "forward": ("src", "dst", "sport", "dport", "proto"),
}
"""The fields that packets of a flow have in common; behind which interface a forwarded one goes on nobody knows."""

_BY_INTERFACES = (*_FLOW["input"], "oif")
"""The same, and both interfaces, for the usual way of a flow."""

_MOST = 0.5
"""Of what share of all addresses a rule is none that is about certain ones."""

_ONE_WAY = (162, 514, 2055, 4739, 6343, 8125, 9995, 9996, 12201, 25826)
"""Ports of UDP to which one only sends: SNMP traps, syslog, records of flows, statistics."""


def turned(packets: PacketSet) -> PacketSet:
    """The packets with both ends exchanged; what sets of ipset(8) say of one end is what they say of it then."""
    names = (*_TURNED, *((other, one) for one, other in _TURNED))
    return _renamed(packets, names, tuple(sets_both_ways(packets.space)))


def sets_both_ways(space: Space) -> Iterator[tuple[Hashable, Hashable]]:
    """The questions about sets that are asked of requests, each with the one asked of answers; and the other way round.

    What is in a set is not known, but who asks and whom the answer is for is the same.
    """
    keys = space.unknown_keys()
    for key in keys:
        other = _asked_of_answers(key)
        if other != key and other in keys:
            yield key, other


def _asked_of_answers(key: Hashable) -> Hashable:
    """The same question with the sides of a packet exchanged, at the hook of the answers (place.py, Place.unknown)."""
    match key:
        case ((("set", (name, tuple(sides)), *more), str(hook)), 0) if hook in _ANSWERED_AT:
            others = tuple([_OTHER_SIDE[side] for side in sides])
            return ((("set", (name, others), *more), _ANSWERED_AT[hook]), 0)
    return key


def inner(packets: PacketSet) -> PacketSet:
    """The ICMP errors about some packets, as far as their addresses, protocol and ports say."""
    return _renamed(packets, tuple((name, f"inner_{name}") for name in _INNER))


def _renamed(
    packets: PacketSet, names: tuple[tuple[str, str], ...], questions: tuple[tuple[Hashable, Hashable], ...] = ()
) -> PacketSet:
    """What a set says of some fields, and by some unknown answers, said of others."""
    space: Space = packets.space

    def make() -> Any:
        bits = (zip(space.places(one), space.field(other).bits, strict=True) for one, other in names)
        answers = [[space.unknown(key).function for key in pair] for pair in questions]
        unknown = [(one.node_var(), other) for one, other in answers]
        return packets.function.make_substitution([*(pair for pairs in bits for pair in pairs), *unknown])

    return PacketSet(space, packets.function.substitute(space.once(("renamed", names, questions), make)))


def replaced(packets: PacketSet, values: Mapping[str, Vector], names: Iterable[str]) -> PacketSet:
    """The packets of which these fields, as they have become, are those of a set."""
    space: Space = packets.space
    changed = [(space.places(name), values[name].bits) for name in names if name in values]
    pairs = [pair for places, bits in changed for pair in zip(places, bits, strict=True)]
    if not pairs:
        return packets
    return PacketSet(space, packets.function.substitute(packets.function.make_substitution(pairs)))


class Flows:
    """Asks what becomes of both directions of what a ruleset leaves untracked."""

    def __init__(self, untracking: Untracking) -> None:
        self._untracking = untracking
        self._walked = untracking.walked
        self._space = untracking.space

    # ── untracked, and not accepted ──

    def not_accepted(self) -> Iterator[Spot]:
        """NOTRACK rules, and the rule that would accept their packets if they were tracked.

        ``detail`` is "new" where the first packets of flows are lost, "rest" where
        all others are, "answers" where what comes back is.
        """
        return first_lines(self._not_accepted())

    def _not_accepted(self) -> Iterator[Spot]:
        for path in PATHS:
            told: set[int] = set()
            for reach in self._untracking.rules(path):
                for detail, wanted in self._wanted(path, reach):
                    lost = self._untracking.lost(path, wanted)
                    lines = [] if lost.is_empty() else self._accepting(path, lost, told)
                    told.update(lines)
                    yield from (self._untracking.named(reach, lost, path, line, detail=detail) for line in lines)

    def _wanted(self, path: str, reach: Reach) -> Iterator[tuple[str, PacketSet]]:
        """The packets of flows that should be accepted, the first ones first."""
        asks = self._untracking
        packets = asks.of(reach, path)
        back = self._space.flag("ctdir")
        known = packets & asks.goes_on & self._walked.state("ESTABLISHED") - self._space.flag("first")
        if asks.asks(reach):
            yield "new", packets & asks.begins
            begun = asks.surely_accepted(path, packets & asks.begins & asks.protocol(TCP))
            yield "rest", known & begun.onto(_BY_INTERFACES) - back
        if asks.answers(reach):
            other = ANSWERED_ON[path]
            asked = self._space.union(asks.of(rule, other) for rule in asks.rules(other) if asks.asks(rule))
            begun = asks.surely_accepted(other, asked & asks.begins)
            yield "answers", known & back & turned(begun.onto(_BY_INTERFACES))

    def _accepting(self, path: str, lost: PacketSet, told: set[int]) -> list[int]:
        """The lines that would accept the packets if they were tracked; else those that refuse them now."""
        found = list(self._lines(self._untracking.instead.whole.meaning.way(path).reaches, lost, "ACCEPT"))
        found = found or list(self._lines(self._walked.meaning.way(path).reaches, lost, "DROP"))
        return [line for line in dict.fromkeys(found) if line not in told]

    def _lines(self, reaches: tuple[Reach, ...], packets: PacketSet, verdict: str) -> Iterator[int]:
        for reach in reaches:
            decides = reach.step.verdict or ("DROP" if reach.step.extension == "REJECT" else "")
            is_one = decides == verdict and reach.step.table == "filter" and reach.is_met
            if is_one and not matches_among(reach, packets).is_empty():
                yield reach.step.line

    # ── one direction only ──

    def half_tracked(self) -> Iterator[Spot]:
        """NOTRACK rules of which the answers are tracked.

        ``detail`` is the role of the host, the way of these packets, "fails" where those that are tracked are lost,
        and "tcp" where they may be of TCP.
        """
        return first_lines(spot for path in PATHS for spot in self._half_tracked(path))

    def _half_tracked(self, path: str) -> Iterator[Spot]:
        if path == "forward" and not self._is_router:
            return
        for reach in self._untracking.rules(path):
            half = self._half(reach, path) - self._served_elsewhere(reach, path) - self._unanswered(reach)
            half = half if half.is_empty() else half & self._let_through(reach, path, half)
            if not half.is_empty():
                packets = half & self._untracking.of(reach, path) & self._untracking.goes_on
                passing = self._untracking.accepted(path, packets)
                packets = packets if passing.is_empty() else passing
                yield self._untracking.named(reach, packets, path, detail=self._fate(reach, path, half))

    def _half(self, reach: Reach, path: str) -> PacketSet:
        """The flows of a rule of which the other direction is tracked for sure."""
        asks = self._untracking
        other = ANSWERED_ON[path]
        return self._leg(reach, path) - turned((asks.untracked(other) & asks.goes_on).onto(_FLOW[other]))

    def _unanswered(self, reach: Reach) -> PacketSet:
        """What is sent to ports at which nothing is ever answered."""
        found = self._untracking.protocol(UDP) & self._space.field("dport").among(_ONE_WAY)
        return found if self._untracking.asks(reach) else self._space.nothing

    def _leg(self, reach: Reach, path: str) -> PacketSet:
        """The flows that a rule leaves untracked beyond their first packet."""
        return (self._untracking.of(reach, path) & self._untracking.goes_on).surely().onto(_FLOW[path])

    def _served_elsewhere(self, reach: Reach, path: str) -> PacketSet:
        """Flows to a few addresses that are another role's: there they are let through, and untracked both ways."""
        other = {"input": "forward", "forward": "input"}.get(path)
        if other is None:
            return self._space.nothing
        whole = self._leg(reach, other) - self._half(reach, other)
        served = whole.onto(["dst"])
        if served.size() >= _MOST or self._let_through(reach, other, whole).is_empty():
            return self._space.nothing
        return served

    def _let_through(self, reach: Reach, path: str, half: PacketSet) -> PacketSet:
        """Some of those flows that the host lets through if they are tracked, none only where there are none."""
        asks, other = self._untracking, ANSWERED_ON[path]
        found = self._space.nothing
        if asks.asks(reach):
            new = half & asks.begins & asks.ordinary(path)
            found |= asks.some_that_may_pass(path, new).onto(_FLOW[path])
        if asks.answers(reach):
            new = turned(half) & asks.begins & asks.ordinary(other) & self._walked.possible[other]
            found |= turned(asks.some_that_may_pass(other, new).onto(_FLOW[other]))
        return found

    @property
    def _is_router(self) -> bool:
        program = self._walked.programs.get("filter")
        return program is not None and "FORWARD" in program and bool(program.chains["FORWARD"].steps)

    def _fate(self, reach: Reach, path: str, half: PacketSet) -> str:
        """Role and way, and whether the tracked packets of these flows are lost: those of TCP are INVALID."""
        asks, other = self._untracking, ANSWERED_ON[path]
        tracked = turned(half) & asks.protocol(TCP) & self._walked.state("INVALID") & asks.goes_on & asks.fresh
        tracked &= self._walked.possible[other] & asks.ordinary(other)
        lost = asks.refused(other, tracked)
        role = "server" if asks.asks(reach) == (path == "input") else "client"
        role = "forward" if path == "forward" else role
        protocol = "tcp" if half.meets(asks.protocol(TCP)) else "other"
        return f"{role} {path} {'works' if lost.is_empty() else 'fails'} {protocol}"
