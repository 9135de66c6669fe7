"""What changes for packets from one ruleset to another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rulec.analysis.tracking import tracking_facts
from rulec.catalogue.extension import Tracking
from rulec.errors import InputError
from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import DEFAULT_MEMORY, Space
from rulec.query.diff_changes import logging, rewriting, tracking
from rulec.query.diff_concern import concern
from rulec.query.diff_deciders import Decider, rule_text
from rulec.query.diff_flows import Flow, Group, doubtful, flows, one_of, opened_and_closed, said
from rulec.query.diff_memories import doubts, feeds_differ
from rulec.query.diff_met import Gap, Met
from rulec.query.diff_rules import Edit, Wording, chains, edits, say_the_same, wording
from rulec.query.diff_walks import Walks, walk_both
from rulec.semantics.concern import ComesAgain
from rulec.semantics.paths import PATHS
from rulec.semantics.program import Step
from rulec.semantics.ruleset import Prepared, in_space
from rulec.syntax.ruleset import Ruleset

MOST_FLOWS = 10
"""So many flows of each kind are shown, if not all are asked for."""

KINDS = ("opened", "closed", "doubtful", "untracked", "tracked", "rewritten", "logged", "unlogged")


class Switch(NamedTuple):
    """Tracking of a whole family, switched ``on`` or off; ``rules`` are those that have it on in the file that does."""

    on: bool
    rules: tuple[Decider, ...]


class Count(NamedTuple):
    """How many flows of a kind there are, and of how many it only may be so."""

    flows: int
    possibly: int


class Difference(NamedTuple):
    """What two rulesets do otherwise.

    ``flows`` are those that are to be shown, in the order of KINDS and the
    largest first; ``counts`` tells of all.  ``edits`` are the changes of rules
    that change nothing for any packet.  ``missing`` are tables that only one of
    the files has, with the name of the other.
    """

    old: Ruleset
    new: Ruleset
    flows: tuple[Flow, ...]
    counts: dict[str, Count]
    switch: Switch | None
    edits: tuple[Edit, ...]
    wording: Wording
    missing: tuple[tuple[str, str], ...]

    @property
    def is_same(self) -> bool:
        """Whether all packets fare alike."""
        return not any(count.flows for count in self.counts.values()) and self.switch is None

    def number(self, kind: str) -> int:
        """How many flows of a kind there are."""
        return self.counts[kind].flows if kind in self.counts else 0


def compare(old: Ruleset, new: Ruleset, memory: int = DEFAULT_MEMORY, most: int | None = MOST_FLOWS) -> Difference:
    """Compare two rulesets without errors; ``most`` flows of each kind are put into words, all for None.

    Raises InputError where they cannot be compared, Undecided where it takes more than ``memory`` bytes.
    """
    if old.family is not new.family:
        raise InputError(
            f"{old.source.name} is taken for {old.family.label} and {new.source.name} for {new.family.label};"
            " --family says what both are"
        )
    old.share_rules(new)
    prepared = Prepared(old), Prepared(new)
    before, after = chains(*prepared)
    nothing = Difference(old, new, (), {}, _switch(old, new), (), wording(old, new, before, after), _missing(old, new))
    if say_the_same(before, after):
        return nothing
    for one in prepared:
        one.refuse_loops()
    changes = tuple(edits(before, after))
    return in_space(prepared, lambda space: _in_words(prepared, space, nothing, changes, most), memory)


def _missing(old: Ruleset, new: Ruleset) -> tuple[tuple[str, str], ...]:
    """Tables that only one file has."""
    lacking = [(table, new.source.name) for table in old.tables if table not in new.tables]
    return (*lacking, *((table, old.source.name) for table in new.tables if table not in old.tables))


def _switch(old: Ruleset, new: Ruleset) -> Switch | None:
    """Whether tracking of the family begins or ends."""
    if _surely_tracks(old) and _surely_tracks(new):
        return None
    lines = [tracking_facts(ruleset).lines for ruleset in (old, new)]
    if bool(lines[0]) == bool(lines[1]):
        return None
    ruleset, found = (new, lines[1]) if lines[1] else (old, lines[0])
    name = ruleset.source.name
    return Switch(bool(lines[1]), tuple(Decider(name, line, "", "", rule_text(ruleset, line)) for line in found))


def _surely_tracks(ruleset: Ruleset) -> bool:
    """Whether some rule has packets tracked whatever its options are: that is quick to see."""
    shapes = {ruleset.templates[line] for table in ruleset.tables.values() for line in table.lines()}
    owners = (owner.extension for shape in shapes for owner in shape.line.owners)
    return any(extension.tracking is Tracking.TRACKS and extension.tracking_of is None for extension in owners)


# ── sets of packets ──


def _in_words(
    prepared: tuple[Prepared, Prepared],
    space: Space,
    nothing: Difference,
    changes: tuple[Edit, ...],
    most: int | None,
) -> Difference:
    walks = _walks(prepared, space, changes)
    groups = list(_groups(walks))
    found = [group for kind in KINDS for group in _shown(groups, kind, most)]
    idle = tuple(_without_effect(walks, groups, changes))
    counts = {kind: _count(group for group in groups if group.kind == kind) for kind in KINDS}
    return nothing._replace(flows=tuple(said(group, walks) for group in found), counts=counts, edits=idle)


def _walks(prepared: tuple[Prepared, Prepared], space: Space, changes: tuple[Edit, ...]) -> Walks:
    """Both walked: for the packets that it concerns, where it is enough to know about these."""
    changed, concerned = _changed(changes), concern(*prepared, changes)
    if concerned is not None:
        try:
            walks = walk_both(*prepared, space, changed, concerned)
            if not feeds_differ(walks):
                return walks
        except ComesAgain:
            pass
    return walk_both(*prepared, space, changed)


def _groups(walks: Walks) -> Iterator[Group]:
    known: dict[str, tuple[PacketSet, PacketSet]] = {}
    some: dict[str, list[PacketSet]] = {}
    for path in PATHS:
        opened, closed = opened_and_closed(walks, path)
        known[path] = opened.packets, closed.packets
        for group in (*flows(walks, "opened", path, opened), *flows(walks, "closed", path, closed)):
            some.setdefault(path, []).append(one_of(group))
            yield group
        yield from logging(walks, path)
    found = doubts(walks, {path: walks.old.space.union(sets) for path, sets in some.items()})
    for path in PATHS:
        yield from doubtful(walks, path, found, known[path])
    yield from rewriting(walks)
    yield from tracking(walks)


def _shown(groups: Iterable[Group], kind: str, most: int | None) -> list[Group]:
    return sorted((group for group in groups if group.kind == kind), key=lambda group: group.order)[:most]


def _count(groups: Iterable[Group]) -> Count:
    sure = [group.surely for group in groups]
    return Count(len(sure), sure.count(False))


# ── rules ──


def _without_effect(walks: Walks, groups: Iterable[Group], changes: tuple[Edit, ...]) -> Iterator[Edit]:
    """The changes of rules that no packet meets to which anything else happens now."""
    touched: dict[str, PacketSet] = {}
    for group in groups:
        for path in ("input", "forward") if group.path == "arriving" else (group.path,):
            touched[path] = touched.get(path, walks.old.space.nothing) | group.packets.possibly()
    gaps = {step: _gap(edit) for edit in changes for step in (edit.old, edit.new) if step is not None}
    told: set[Gap | None] = set()
    met = [Met(walks, meaning, touched, gaps, told) for meaning in (walks.old, walks.new)]
    idle = [
        edit
        for edit in changes
        if not any(_has_effect(edit, step, found) for step, found in zip((edit.old, edit.new), met, strict=True))
    ]
    yield from (edit for edit in idle if _gap(edit) not in told)


def _gap(edit: Edit) -> Gap | None:
    return (edit.table, edit.chain, edit.gap) if edit.gap >= 0 else None


def _changed(changes: tuple[Edit, ...]) -> frozenset[Step]:
    return frozenset(step for edit in changes for step in (edit.old, edit.new) if step is not None)


def _has_effect(edit: Edit, step: Step | None, met: Met) -> bool:
    return step in met.steps if edit.kind != "policy" else (edit.table, edit.chain) in met.policies
