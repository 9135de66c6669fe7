"""Which packets it may concern that the filter table is another one: all others fare alike.

A packet that matches no rule which was changed meets the same rules in the same
order in both rulesets (semantics/concern.py).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from functools import partial

from rulec.analysis.flows import Pair
from rulec.analysis.sides import Side, memories_by_name
from rulec.analysis.untracked import is_notrack
from rulec.compiler.proof.edits import Edit, edits
from rulec.packetset.packetset import PacketSet
from rulec.semantics.concern import Version
from rulec.semantics.place import Hook, Place, Values
from rulec.semantics.program import Step
from rulec.semantics.rule import asked

_TABLE = "filter"
_BASES = {"input": "INPUT", "forward": "FORWARD", "output": "OUTPUT"}


class Concerned:
    """Asks it of the untouched packets of a way."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self._programs = [side.meaning.prepared.programs for side in (pair.old, pair.new)]
        self._edits = _of_filter(edits(*self._programs))
        self._sides = tuple((side, memories_by_name(side.meaning.prepared)) for side in (pair.old, pair.new))

    def among(self, path: str, untouched: PacketSet) -> PacketSet:
        """Those to which not all rules of the filter table are the same; all of them where that cannot be told."""
        base, programs = _BASES[path], [each.get(_TABLE) for each in self._programs]
        if self._edits is None or not all(program is not None and base in program.plain for program in programs):
            return untouched
        hook, partners, found = Hook(path, base, _TABLE), dict(_reworded(self._edits)), self.pair.space.nothing
        for number, steps in enumerate(zip(*self._edits, strict=True)):
            (side, names), (_, others) = self._sides[number], self._sides[1 - number]
            version = Version(side.meaning.prepared.programs[_TABLE], frozenset(step for step in steps if step))
            matched, of_other = (partial(self._matched, hook, _values(side, hook), each) for each in (names, others))
            changed = partial(_changed, matched, of_other, partners)
            found |= version.concerned(base, found.space.everything, matched, changed)
        return untouched & found.possibly()

    def _matched(self, hook: Hook, values: Values, names: Mapping[Step, Hashable], step: Step) -> PacketSet:
        pair, visit = self.pair, names.get(step, step.key)
        return asked(step.rule, Place(pair.space, pair.family, hook, values, pair.memory, visit)).packets


def _of_filter(found: Iterable[Edit | None]) -> list[Edit] | None:
    """What is another thing in the filter table; None where anything but new NOTRACK is in others, or a policy."""
    kept: list[Edit] = []
    for edit in found:
        if edit is None or any(step.table != _TABLE and not _is_added(edit) for step in edit if step is not None):
            return None
        kept += [] if _is_added(edit) else [edit]
    return kept


def _is_added(edit: Edit) -> bool:
    """Whether it is a new rule that leaves packets untracked: these are touched."""
    return edit.old is None and edit.new is not None and is_notrack(edit.new.rule)


def _reworded(found: Iterable[Edit]) -> Iterator[tuple[Step, Step]]:
    """Rules that do the same in both rulesets: each with the other one."""
    for old, new in found:
        if old and new and old.rule.target == new.rule.target:
            yield from ((old, new), (new, old))


def _values(side: Side, hook: Hook) -> Values:
    """What packets have become where they get to a chain that changes nothing."""
    walks = side.way(hook.path).trail.within(hook.table)
    return next((walk.values for walk in walks if walk.policy.hook == hook), Values({}))


def _changed(
    matched: Callable[[Step], PacketSet],
    of_other: Callable[[Step], PacketSet],
    partners: Mapping[Step, Step],
    step: Step,
) -> PacketSet:
    """The packets that a rule matters to: where it is worded otherwise those that match in one of both."""
    other = partners.get(step)
    return matched(step) if other is None else matched(step) ^ of_other(other)
