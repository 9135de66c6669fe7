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
    return Concern(table, (Version(old.programs[table], before), Version(new.programs[table], after)))
