"""Which flows a ruleset lets through because of connection tracking, and which it could let through without.

The ruleset is walked as it is, and once more as it would be without its questions
for states: flows are told by their first packets.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator
from functools import cached_property
from typing import Any

from rulec.analysis.narrow import matches_among
from rulec.analysis.tracking_kinds import stateless
from rulec.analysis.untracked import CLIENT_PORTS, Untracking
from rulec.analysis.untracked_flows import ANSWERED_ON, turned
from rulec.analysis.visits import Walked
from rulec.model import Family, Match, Rule
from rulec.model.protocols import ICMP, ICMPV6, TCP, UDP
from rulec.packetset.packetset import PacketSet
from rulec.semantics.nat import TARGETS as TRANSLATING
from rulec.semantics.reach import Reach
from rulec.semantics.ruleset import Meaning, meaning

_ENDS = ("src", "dst", "sport", "dport", "proto")
_BY_INTERFACES = (*_ENDS, "iif", "oif", "src_type", "dst_type")
_BY_PATH = {
    "input": (*_ENDS, "iif", "src_type", "dst_type"), "output": (*_ENDS, "oif", "src_type", "dst_type"),
    "forward": _ENDS,
}  # fmt: skip
"""What packets of a flow have in common; behind which interface a forwarded one goes on nobody knows."""

SAID = {
    "arriving": ("src", "dst", "dport", "proto", "iif"), "input": ("src", "dst", "dport", "proto", "iif"),
    "forward": ("src", "dst", "dport", "proto", "iif", "oif"), "output": ("src", "dst", "dport", "proto", "oif"),
}  # fmt: skip
"""The fields by which flows are described."""

_ECHO = {Family.IPV4: (ICMP, 8, 0), Family.IPV6: (ICMPV6, 128, 129)}
_ERRORS = {Family.IPV4: (ICMP, (3, 11, 12)), Family.IPV6: (ICMPV6, (1, 2, 3, 4))}
"""Protocol and types of the errors about connections."""


_OUTSIDE = {Family.IPV4: 0xC6336407, Family.IPV6: 0x20010DB8 << 96 | 7}
"""An address somewhere outside, of which rules know nothing."""

_LARGE = 1000
"""So many rules of the table filter make a ruleset large."""

_FEW = 0.5
"""Less than this share of all addresses are certain ones."""

_MOST_RULES = 200
"""So many rules are asked one by one what they accept."""


class TrackedFlows:
    """Asks a ruleset that was walked."""

    def __init__(self, walked: Walked) -> None:
        self.walked = walked
        self.space = walked.space
        self.now = Untracking.within(walked)
        self._family = walked.prepared.ruleset.family

    @cached_property
    def then(self) -> Meaning:
        """The ruleset without its questions for states; what else nobody can know is the same as now."""
        return meaning(stateless(self.walked.prepared), self.space, self.walked.memory, exact=False)

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """The ways on which flows begin; those through this host only where the ruleset is about them."""
        return ("input", "forward", "output") if self._is_router else ("input", "output")

    @cached_property
    def _is_router(self) -> bool:
        programs = self.walked.programs
        filtered = "filter" in programs and "FORWARD" in programs["filter"]
        steps = programs["filter"].chains["FORWARD"].steps if filtered else ()
        return bool([step for step in steps if step.verdict != "DROP" and step.extension != "REJECT"]) or any(
            step.extension in TRANSLATING for step in (programs["nat"].steps() if "nat" in programs else ())
        )

    # ── flows that begin ──

    def frame(self, path: str) -> PacketSet:
        """The first packets of all flows that may begin on a way: of this host from the ports of its programs."""
        return self._once(("frame", path), lambda: self.whole(path) & self._asked(path))

    def whole(self, path: str) -> PacketSet:
        """The same, also of a large ruleset."""
        return self._begins & self._on(path) & self._own(path)

    def begun(self, path: str) -> PacketSet:
        """The first packets of the flows that are let through."""
        return self._once(("begun", path), lambda: self._accepted(path, self.frame(path)).possibly())

    def _once(self, key: tuple[str, ...], make: object) -> PacketSet:
        found: PacketSet = self.space.once(("tracked", *key), make)  # type: ignore[arg-type]
        return found

    def _on(self, path: str) -> PacketSet:
        return self.now.ordinary(path) & self.walked.possible[path]

    def _asked(self, path: str) -> PacketSet:
        """Of what a large ruleset sends on only packets from and to one address are asked: all would be too many."""
        if not self.is_rough or path != "forward":
            return self.space.everything
        ends = self.space.field("src"), self.space.field("dst")
        return self.space.union(end.equals(_OUTSIDE[self._family]) for end in ends)

    @cached_property
    def is_rough(self) -> bool:
        """Whether not all of what is sent on is asked."""
        return "filter" in self.walked.programs and self.walked.programs["filter"].size > _LARGE

    def _own(self, path: str) -> PacketSet:
        if path != "output":
            return self.space.everything
        return self.space.field("sport").between(*CLIENT_PORTS) | ~self._ported

    @cached_property
    def _ported(self) -> PacketSet:
        return self.now.protocol(TCP) | self.now.protocol(UDP)

    @cached_property
    def _begins(self) -> PacketSet:
        return self.now.begins | self._echo(0) & self.walked.state("NEW") & self.now.unmarked

    def _later(self, answers: bool) -> PacketSet:
        """Later packets of connections, or the answers."""
        back = self.space.flag("ctdir")
        packets = self.now.goes_on | self._echo(int(answers)) & self.now.unmarked
        known = self.walked.state("ESTABLISHED") - self.space.flag("first")
        return packets & known & self.now.fresh & (back if answers else ~back)

    def _echo(self, answer: int) -> PacketSet:
        number, *kinds = _ECHO[self._family]
        return self.now.protocol(number) & self.space.field("icmp_type").equals(kinds[answer])

    # ── what relies on tracking ──

    def relied(self, path: str) -> PacketSet:
        """The flows that begin on a way and whose later packets, or answers, pass only because of their state."""
        flows = self.begun(path).onto(_BY_INTERFACES)
        lost = self._lost(path, self._later(False) & flows).onto(_BY_INTERFACES)
        unanswered = self._lost(ANSWERED_ON[path], self._later(True) & turned(flows)).onto(_BY_INTERFACES)
        return self._usual(self.begun(path) & (lost | turned(unanswered)))

    def _usual(self, packets: PacketSet) -> PacketSet:
        """Those from the ports of ordinary programs, and from others only what these do not ask."""
        usual = packets & (self.space.field("sport").between(*CLIENT_PORTS) | ~self._ported)
        return usual | (packets - usual.without(["sport"]))

    def _lost(self, path: str, packets: PacketSet) -> PacketSet:
        """Those of some packets that are let through, and would not be without tracking."""
        passing = self._accepted(path, packets & self._on(path) & self._asked(path))
        return passing if passing.is_empty() else (passing - self._accepted(path, passing, later=True)).possibly()

    def _accepted(self, path: str, packets: PacketSet, later: bool = False) -> PacketSet:
        """Those of some packets that get to the end of a way, now or without tracking, if limits and the like let them.

        On what else nobody can know it depends: whether an address is in a set is the same now and then.
        """
        passing = (self.then if later else self.walked.meaning).way(path).alive.among(packets)
        remembered = [answer for key, answer in self.space.unknown_keys().items() if _is_of_rule(key)]
        return PacketSet(self.space, passing.function.exists(_all(remembered))) if remembered else passing

    def lost_errors(self, path: str) -> PacketSet:
        """ICMP errors about connections that pass only because they are RELATED, none only where there are none."""
        number, kinds = _ERRORS[self._family]
        errors = self.now.protocol(number) & self.space.field("icmp_type").among(kinds)
        related = errors & self.walked.state("RELATED") & self.now.unmarked & self.now.fresh
        few = self._lost(path, related.some({"src": _OUTSIDE[self._family]}))
        return self._lost(path, related) if few.is_empty() else few

    def lost_data(self, path: str) -> PacketSet:
        """The first packets of data connections that pass only because a helper has announced them."""
        opening = self.now.begins.without(["ctstate", "first", "ctdir"]) & self.now.protocol(TCP)
        return self._lost(path, opening & self.walked.state("RELATED") & self.now.unmarked)

    # ── what would be let in ──

    def opened(self, path: str) -> PacketSet:
        """The first packets of connections that would get through without tracking, and do not now."""
        return self._let_in(path) & self._begins

    def strays(self, path: str) -> PacketSet:
        """The packets of no connection, so far refused for it, that would get through."""
        return self._let_in(path) - self._begins

    def _let_in(self, path: str) -> PacketSet:
        """Both together; of what a large ruleset sends on, those from outside."""
        return self._once(("let in", path), lambda: self._more(path, self._refusable(path) & self._from_outside(path)))

    def _refusable(self, path: str) -> PacketSet:
        stray = self.walked.state("INVALID") | self.walked.state("NEW") - self._begins
        segments = self.now.goes_on & stray & self.now.fresh & self._own(path) & self._on(path)
        return segments | self.whole(path) - self.now.untracked(path)

    def _from_outside(self, path: str) -> PacketSet:
        wanted = self.is_rough and path == "forward"
        return self.space.field("src").equals(_OUTSIDE[self._family]) if wanted else self.space.everything

    def _more(self, path: str, packets: PacketSet) -> PacketSet:
        passing = self._accepted(path, packets, later=True)
        return passing if passing.is_empty() else (passing - self._accepted(path, passing)).possibly()

    # ── rules ──

    def met(self, path: str, lines: Collection[int]) -> PacketSet:
        """The first packets on a way that meet any rule of some lines, whatever becomes of them; all of very many."""
        return self.space.union(self.by_rule(path, lines)) if len(lines) <= _MOST_RULES else self.coming(path)

    def by_rule(self, path: str, lines: Collection[int]) -> list[PacketSet]:
        """The same, rule by rule, none of very many; "arriving" is the way before it is known where packets go."""
        met = (reach for reach in self._reaches(path, lines) if reach.is_met)
        found = (matches_among(reach, self.coming(path)).possibly() for reach in met)
        return [packets for packets in found if not packets.is_empty()]

    def is_met(self, line: int) -> bool:
        """Whether any packet meets a rule of a line."""
        return any(reach.is_met for reach in self._by_line.get(line, ()))

    @cached_property
    def _by_line(self) -> dict[int, list[Reach]]:
        found: dict[int, list[Reach]] = {}
        for way in self.walked.meaning.ways:
            for reach in way.reaches:
                found.setdefault(reach.step.line, []).append(reach)
        return found

    def _reaches(self, path: str, lines: Collection[int]) -> Iterator[Reach]:
        way = self.walked.meaning.way("input" if path == "arriving" else path)
        lines = lines if len(lines) <= _MOST_RULES else ()
        return (reach for reach in way.reaches if reach.step.line in lines and reach.hook.path == path)

    def coming(self, path: str) -> PacketSet:
        """What begins on a way, also what only NAT sends there."""
        lo = self.now.interface("oif" if path == "output" else "iif", "lo")
        way = self.walked.meaning.way("input" if path == "arriving" else path)
        return self._begins & self._own(path) & way.enters - lo

    def accepting(self, path: str, packets: PacketSet, later: bool = False) -> list[PacketSet] | None:
        """Some packets by the rules that accept them, and the rest; None where these rules are very many."""
        reaches = [
            reach for reach in (self.then if later else self.walked.meaning).way(path).reaches if _accepts(reach)
        ]
        if len(reaches) > _MOST_RULES:
            return None
        parts = [matches_among(reach, packets).possibly() for reach in reaches if reach.is_met]
        return [part for part in (*parts, packets - self.space.union(parts)) if not part.is_empty()]

    # ── untracked ──

    def legs(self, path: str) -> tuple[PacketSet, PacketSet]:
        """The flows that begin on a way and may pass, of which the requests are untracked, and the answers."""
        asks, other = self.now, ANSWERED_ON[path]
        requests = self.space.union(asks.of(rule, path) for rule in asks.rules(path) if asks.asks(rule))
        answers = self.space.union(asks.of(rule, other) for rule in asks.rules(other) if asks.answers(rule))
        asked = (requests & asks.goes_on).onto(_BY_PATH[path])
        answered = turned((answers & asks.goes_on).onto(_BY_PATH[other]))
        passing = asks.may_pass(path, self.frame(path) & (asked | answered)).onto(_BY_PATH[path])
        return asked & passing, answered & passing

    def widened(self, path: str, flows: PacketSet) -> PacketSet:
        """Flows of which few were asked, as if those of all other addresses were alike."""
        if not self.is_rough or path != "forward":
            return flows
        ends = {name: self.space.field(name).equals(_OUTSIDE[self._family]) for name in ("src", "dst")}
        return self.space.union((flows & packets).without([name]) for name, packets in ends.items())

    def elsewhere(self, served: PacketSet) -> PacketSet:
        """Flows to the few addresses of some others: what goes there is sent on, and is not for this host."""
        found = served.onto(["dst"])
        return found if found.size() < _FEW else self.space.nothing

    def refused(self, path: str, flows: PacketSet) -> PacketSet:
        """Those of some untracked flows of which the first packet is refused, and would not be if it were tracked."""
        packets = self.now.may_pass(path, self.frame(path) & flows)
        return packets if packets.is_empty() else packets - self._accepted(path, packets).possibly()


def _accepts(reach: Reach) -> bool:
    return reach.step.verdict == "ACCEPT" and reach.step.table == "filter"


def _is_of_rule(key: Hashable) -> bool:
    """Whether what is unknown is what one rule remembers, such as how many packets its limit has seen."""
    return isinstance(key, Rule) or (
        isinstance(key, tuple) and not isinstance(key, Match) and any(map(_is_of_rule, key))
    )


def _all(answers: list[PacketSet]) -> Any:
    """Their variables, as quantifiers want them."""
    found = answers[0].space.everything.function
    for answer in reversed(answers):
        found = found & answer.function
    return found
