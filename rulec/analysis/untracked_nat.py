"""NOTRACK rules beside NAT: the table nat never sees untracked packets, nor are answers translated back."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.analysis.narrow import matches_among
from rulec.analysis.untracked import Spot, Untracking, by_line
from rulec.analysis.untracked_flows import ANSWERED_ON, replaced, turned
from rulec.analysis.untracked_instead import Sent
from rulec.model import Rule
from rulec.packetset.packetset import PacketSet
from rulec.semantics.nat import TARGETS as TRANSLATING
from rulec.semantics.paths import PATHS, Way
from rulec.semantics.place import Values
from rulec.semantics.reach import Reach
from rulec.semantics.rule import matching

_ENDS = ("src", "dst", "sport", "dport", "proto")
_ENDS_CHANGED = frozenset(("src", "dst", "sport", "dport"))
_OF_CONNECTIONS = ("orig_", "repl_", "state", "attached")
"""How the names begin of what changes on the way of every packet, and depends on its being tracked."""


class BesideNat:
    """Asks which rules of the table nat have to do with what a ruleset leaves untracked."""

    def __init__(self, untracking: Untracking) -> None:
        self._asks = untracking
        self._walked = untracking.walked

    def skipped(self) -> Iterator[Spot]:
        """NOTRACK rules that take packets which a rule of the table nat would rewrite; ``others`` is that rule.

        ``detail`` is "back" where they take the answers to what it rewrites.
        """
        return by_line(self._skipped())

    def _skipped(self) -> Iterator[Spot]:
        for path in PATHS:
            for reach in self._asks.rules(path):
                if self._asks.asks(reach):
                    yield from self._rewritten(reach, path, self._asks.of(reach, path) & self._asks.begins)
                if self._asks.answers(reach):
                    yield from self._not_turned_back(reach, path)
        for reach in self._asks.rules("input"):
            if self._asks.answers(reach) and not self._asks.asks(reach):
                yield from self._rewritten(reach, "forward", self._asked_for(reach))

    # ── by what is translated ──

    def _rewritten(self, reach: Reach, path: str, new: PacketSet) -> Iterator[Spot]:
        """The rules that would rewrite the first packets of flows."""
        for rule, packets in self._rewriting(path, new):
            if not packets.is_empty():
                yield self._asks.named(reach, packets, path, rule.step.line)

    def _rewriting(self, path: str, new: PacketSet) -> Iterator[tuple[Reach, PacketSet]]:
        """The rules that translate, each with some of the packets that it would rewrite, if there are any.

        Into chains that change packets nobody may come as long as these are untracked:
        then it is seen where they come to if they are not.
        """
        program = self._walked.programs.get("nat")
        if program is None or new.is_empty():
            return
        if len(program.plain) == len(program.chains):
            for rule in _translating(self._walked.meaning.way(path)):
                wanted = new & self._if_tracked(rule) if self._come_unchanged(rule, new) else new
                pieces = self._asks.instead.pieces(path, wanted)
                yield rule, self._asks.first(_through(rule, sent) for sent in pieces)
        else:
            sent = self._asks.instead.alone(path, new)
            yield from ((rule, _through(rule, sent)) for rule in _translating(sent.way))

    def _come_unchanged(self, rule: Reach, new: PacketSet) -> bool:
        """Whether nothing that a rule looks at is another thing by then, save for what other NAT rules would change."""
        space, place = self._walked.space, self._walked.place(rule, Values({}))
        matching(rule.step.rule, place)
        changed = [name for name in place.asked & rule.values.keys() if not name.startswith(_OF_CONNECTIONS)]
        bits = (bit for name in changed for bit in rule.values[name].xored(space.field(name)).bits)
        return _ENDS_CHANGED.issuperset(changed) and not any(PacketSet(space, bit).meets(new) for bit in bits)

    def _if_tracked(self, rule: Reach) -> PacketSet:
        """The packets that a rule matches if they are tracked."""
        space = self._walked.space
        state = space.constant(1, 0).joined(space.field("ctstate"))
        return matching(rule.step.rule, self._walked.place(rule, rule.values.changed({"state": state})))

    def _asked_for(self, reach: Reach) -> PacketSet:
        """What others ask through this host, and is answered by packets like those of a rule."""
        answers = (self._asks.of(reach, "input") & self._asks.goes_on).onto(["src", "sport", "proto"])
        return turned(answers) & self._asks.begins & self._asks.ordinary("forward") & self._walked.possible["forward"]

    # ── by what it is translated to ──

    def _not_turned_back(self, reach: Reach, path: str) -> Iterator[Spot]:
        """The rules that make of other flows such as are answered by the packets of a rule."""
        other = ANSWERED_ON[path]
        way = self._walked.meaning.way(other)
        rules = [rule for rule in _translating(way) if rule.hook.name != "POSTROUTING"]
        new = self._translated_to(reach, path) if rules else self._walked.space.nothing
        for rule in rules if not new.is_empty() else ():
            packets = self._asks.accepted(other, matches_among(rule, new))
            if not packets.is_empty():
                yield self._asks.named(reach, packets, other, rule.step.line, detail="back")

    def _translated_to(self, reach: Reach, path: str) -> PacketSet:
        """The first packets of tracked flows that are answered by packets like those of a rule once NAT is through."""
        asks, other = self._asks, ANSWERED_ON[path]
        answered = turned((asks.of(reach, path) & asks.goes_on).onto(_ENDS))
        before = replaced(answered, self._walked.meaning.way(other).values, _ENDS)
        return (before & asks.begins & self._walked.possible[other]) - asks.untracked(other)


def translates(rule: Rule) -> bool:
    """Whether the target is NAT."""
    target = rule.target
    return target is not None and target.extends and target.name in TRANSLATING


def _translating(way: Way) -> Iterator[Reach]:
    return (reach for reach in way.reaches if reach.step.table == "nat" and translates(reach.step.rule))


def _through(rule: Reach, sent: Sent) -> PacketSet:
    """The packets that a rule would rewrite and that would get through; what is sent elsewhere is lost in any case."""
    found = sent.matching(rule)
    return found if rule.hook.name == "PREROUTING" or found.is_empty() else found & sent.passing
