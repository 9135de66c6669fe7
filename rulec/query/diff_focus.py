"""What can differ at all: where two rulesets say the same, no packet fares otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from rulec.packetset.packetset import PacketSet
from rulec.query.diff_courses import Course, Leg
from rulec.semantics.paths import Way
from rulec.semantics.place import Hook
from rulec.semantics.program import Program, Step
from rulec.semantics.reach import Entry, Reach
from rulec.semantics.ruleset import Meaning


class Likeness:
    """Whether the same packets get to rules of both rulesets, as far as that is seen without putting them together."""

    def __init__(self, old: Course, new: Course) -> None:
        self.old = old
        self.new = new
        self._known: dict[tuple[Entry, Entry], bool] = {}

    def is_same(self, one: Entry, other: Entry) -> bool:
        """Whether an entry of the old ruleset and one of the new are the same."""
        if (one, other) not in self._known:
            self._known[one, other] = self._come_alike(one, other)
        return self._known[one, other]

    def _come_alike(self, one: Entry, other: Entry) -> bool:
        old, new = self.old.origins(one), self.new.origins(other)
        if not old and not new:
            return one.exact == other.exact
        return len(old) == len(new) and all(
            first[1] == second[1] and self.is_same(first[0], second[0]) for first, second in zip(old, new, strict=True)
        )


class Focus(NamedTuple):
    """The one hook of a way at which rules changed: whoever fares otherwise gets there, and is parted there.

    ``around`` are packets that a rule matches which changed, wherever they get to:
    there is a difference for none but these.  At the ``idle`` rules, which are
    alike and asked of the same packets, nothing ends for which it is not the same in both.
    """

    hook: Hook
    around: PacketSet
    old: Course
    new: Course
    idle: frozenset[Reach]


def focus(
    old: Meaning, new: Meaning, path: str, changed: frozenset[Step], settled: Callable[[PacketSet], PacketSet]
) -> Focus | None:
    """Where a way differs, if that is at one hook only, and where NAT has rewritten nothing: all is ``settled``."""
    ways = old.way(path), new.way(path)
    touched = [reach for way in ways for reach in way.reaches if reach.step in changed]
    hooks = {reach.hook for reach in touched}
    if len(hooks) != 1 or _policies(ways[0]) != _policies(ways[1]):
        return None
    hook = hooks.pop()
    before, after = (_at(way, hook) for way in ways)
    if any(packets != settled(packets) for course in (before, after) for packets in course.beginnings()):
        return None
    around = old.space.union(reach.matching for reach in touched)
    programs = [meaning.prepared.programs[hook.table] for meaning in (old, new)]
    other = frozenset[str]().union(*(_touched(program, changed) | program.remembering for program in programs))
    return Focus(hook, around, before, after, frozenset(_idle(Likeness(before, after), other)))


def _policies(way: Way) -> set[tuple[Hook, str]]:
    """The policies that are not ACCEPT: that is what a chain has of which a file says nothing."""
    return {(reach.hook, reach.policy) for reach in way.policies if reach.policy != "ACCEPT"}


def _at(way: Way, hook: Hook) -> Course:
    return Course(reach for reach in way.reaches if reach.hook == hook)


def _touched(program: Program, changed: frozenset[Step]) -> set[str]:
    """The chains in which a rule changed, and those that lead to them."""
    found = {step.chain for step in program.steps() if step in changed}
    for name in reversed(program.callers_first):
        if not found.isdisjoint(program.callees[name]):
            found.add(name)
    return found


def _idle(likeness: Likeness, chains: frozenset[str]) -> Iterator[Reach]:
    """The rules that are alike and asked of the same packets, in legs that begin alike; none that calls some chains."""
    by_chain: dict[str, list[Leg]] = {}
    for leg in likeness.new.legs:
        by_chain.setdefault(leg.reaches[0].step.chain, []).append(leg)
    for leg in likeness.old.legs:
        for other in by_chain.get(leg.reaches[0].step.chain, ()):
            if likeness.is_same(leg.entry, other.entry):
                yield from _alike(leg.reaches, other.reaches, chains)


def _alike(old: Iterable[Reach], new: Iterable[Reach], chains: frozenset[str]) -> Iterator[Reach]:
    for one, other in zip(old, new, strict=False):
        asked = (one.step.key, one.values, one.matching), (other.step.key, other.values, other.matching)
        if asked[0] != asked[1] or one.step.goes_to in chains:
            return
        yield one
        yield other
