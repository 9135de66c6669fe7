"""Whether two rulesets differ in one table only, so that most packets need not be followed."""

from __future__ import annotations

from itertools import dropwhile

from rulec.query.diff_rules import Edit
from rulec.semantics.concern import Concern, Version
from rulec.semantics.ruleset import Prepared

_MET_ONCE = ("filter", "security")
"""The tables that a packet meets at one hook only."""

_LISTS = ("recent", "hashlimit")
"""Matches whose memory has a name, and that many rules may ask."""


def concern(old: Prepared, new: Prepared, changes: tuple[Edit, ...]) -> Concern | None:
    """The table in which both differ, if it is one, and in rules without a memory: then only few packets matter."""
    before = frozenset(edit.old for edit in changes if edit.old is not None)
    after = frozenset(edit.new for edit in changes if edit.new is not None)
    tables = {edit.table for edit in changes}
    if len(tables) != 1 or not tables.issubset(_MET_ONCE) or any(step.has_memory for step in before | after):
        return None
    (table,) = tables
    if table not in old.programs or table not in new.programs:
        return None
    versions = Version(old.programs[table], before), Version(new.programs[table], after)
    return None if any(map(_feeds_a_list, versions)) else Concern(table, versions)


def _feeds_a_list(version: Version) -> bool:
    """Whether packets may come by a changed rule to one that remembers them by name: others most likely do now."""
    program = version.program
    leading = program.with_callers(step.chain for step in version.changed)
    behind = [
        step
        for chain in program.chains.values()
        for step in dropwhile(lambda step: step not in version.changed and step.goes_to not in leading, chain.steps)
    ]
    further = program.reached_from(step.goes_to for step in behind if step.goes_to)
    steps = [*behind, *(step for name in further for step in program.chains[name].steps)]
    return any(match.name in _LISTS for step in steps for match in step.rule.matches)
