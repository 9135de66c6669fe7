"""Whether two rulesets are plainly the same to untouched packets: rule by rule, where the text differs.

Packets that meet the same rules in the same order fare alike.  So it is enough
that each rule which only one ruleset has matches none of them, and that each rule
which is worded otherwise matches the same of them and does the same to these.
"""

from __future__ import annotations

from collections.abc import Callable

from rulec.analysis.flows import Pair
from rulec.analysis.sides import Side
from rulec.analysis.untracked import is_notrack
from rulec.compiler.proof.edits import Edit, edits
from rulec.packetset.packetset import PacketSet
from rulec.semantics.place import Hook, Memory, Place
from rulec.semantics.program import Step
from rulec.semantics.reach import Reach
from rulec.semantics.rule import matching


def is_alike(pair: Pair, untouched: Callable[[str], PacketSet]) -> bool:
    """Whether no edit of the text means anything to the untouched packets of any way."""
    found = tuple(edits(*(side.meaning.prepared.programs for side in (pair.old, pair.new))))
    if None in found:
        return False
    memory = Memory()
    old, new = (_reaches(side) for side in (pair.old, pair.new))
    return all(_means_nothing(pair, edit, old, new, untouched, memory) for edit in found if edit is not None)


def _reaches(side: Side) -> dict[Step, list[Reach]]:
    found: dict[Step, list[Reach]] = {}
    for way in side.meaning.ways:
        for reach in way.reaches:
            found.setdefault(reach.step, []).append(reach)
    return found


def _means_nothing(
    pair: Pair,
    edit: Edit,
    old: dict[Step, list[Reach]],
    new: dict[Step, list[Reach]],
    untouched: Callable[[str], PacketSet],
    memory: Memory,
) -> bool:
    if edit.new is not None and edit.old is None and is_notrack(edit.new.rule):
        return True
    same_target = edit.old is not None and edit.new is not None and edit.old.rule.target == edit.new.rule.target
    before, after = (
        {reach.hook: _asked(pair, reach, memory) for reach in met.get(step, [])} if step else {}
        for step, met in ((edit.old, old), (edit.new, new))
    )
    for hook in {**before, **after}:
        one, other = (found.get(hook, pair.space.nothing) for found in (before, after))
        differing = one ^ other if same_target else one | other
        if differing.meets(_untouched_at(hook, untouched)):
            return False
    return True


def _untouched_at(hook: Hook, untouched: Callable[[str], PacketSet]) -> PacketSet:
    if hook.path == "arriving":
        return untouched("input") | untouched("forward")
    return untouched(hook.path)


def _asked(pair: Pair, reach: Reach, memory: Memory) -> PacketSet:
    """The packets that a rule matches where it stands, whether they get there or not."""
    name = (reach.step.table, tuple(reach.step.rule.matches))
    place = Place(pair.space, pair.family, reach.hook, reach.values, memory, name)
    return matching(reach.step.rule, place)
