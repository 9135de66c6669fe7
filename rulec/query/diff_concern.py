"""Whether two rulesets differ in one table only, so that most packets need not be followed."""

from __future__ import annotations

from rulec.query.diff_rules import Edit
from rulec.semantics.concern import Concern, Version
from rulec.semantics.ruleset import Prepared

_MET_ONCE = ("filter", "security")
"""The tables that a packet meets at one hook only."""


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
    """Whether packets may come from changed rules to one that remembers them by name: others most likely now."""
    behind = version.program.reached_from({step.chain for step in version.changed})
    steps = (step for name in behind for step in version.program.chains[name].steps)
    return any(match.name in ("recent", "hashlimit") for step in steps for match in step.rule.matches)
