"""What can differ at all: where two rulesets say the same, no packet fares otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import NamedTuple

from rulec.packetset.packetset import PacketSet
from rulec.query.diff_courses import Course
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
    programs = old.prepared.programs[hook.table], new.prepared.programs[hook.table]
    idle = frozenset(_idle(*programs, hook.name, changed))
    return Focus(hook, around, before, after, frozenset(_of(before, idle)) | frozenset(_of(after, idle)))


def _policies(way: Way) -> set[tuple[Hook, str]]:
    """The policies that are not ACCEPT: that is what a chain has of which a file says nothing."""
    return {(reach.hook, reach.policy) for reach in way.policies if reach.policy != "ACCEPT"}


def _at(way: Way, hook: Hook) -> Course:
    return Course(reach for reach in way.reaches if reach.hook == hook)


def _idle(old: Program, new: Program, base: str, changed: frozenset[Step]) -> Iterator[Step]:
    """The rules before any that changed, in chains into which the same packets come.

    No more is said of a chain from where it calls one in which something changed, or which remembers.
    """
    other, alike = _touched(old, changed) | _touched(new, changed), set[Step]()
    calls: dict[str, set[Step]] = {base: set()}
    for program in (old, new):
        for name in program.reached_from([base]):
            for step in program.chains[name].steps:
                calls.setdefault(step.goes_to, set()).add(step)
    for name in old.callers_first:
        if name in new and name in calls and calls[name] <= alike:
            pairs = zip(old.chains[name].steps, new.chains[name].steps, strict=False)
            for pair in takewhile(lambda pair: pair[0].key == pair[1].key, pairs):
                alike.update(pair)
                if pair[0].goes_to in other:
                    break
                yield from pair


def _touched(program: Program, changed: frozenset[Step]) -> frozenset[str]:
    """The chains in which a rule changed, those that remember, and all that lead to them."""
    return program.remembering | program.with_callers({step.chain for step in program.steps() if step in changed})


def _of(course: Course, steps: frozenset[Step]) -> Iterator[Reach]:
    return (reach for leg in course.legs for reach in leg.reaches if reach.step in steps)
