"""Packets that were untracked before: by rules of the table raw, and by nature neighbour and multicast discovery.

They are treated as they were.  A rule that has lost its question for NEW is kept
from them where it was not for them, and what a rule took as UNTRACKED that is taken
out comes back by what these packets are.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.compiler.bounds import Bounds, of_rule, rules, together
from rulec.compiler.flows import Met
from rulec.compiler.job import in_own_chain
from rulec.compiler.others import leaves_untracked
from rulec.compiler.outcome import Added, Declined
from rulec.compiler.stateless_flows import Work
from rulec.compiler.stateless_rules import restated, without_state
from rulec.model import Family
from rulec.model.protocols import ICMPV6, NEVER_TRACKED
from rulec.packetset.packetset import PacketSet
from rulec.semantics.paths import NEVER_VALID, PATHS


def spare(work: Work) -> bool:
    """Keep rules from discovery and redirects that were not for them; tells whether there were any."""
    lines = {line for path in PATHS for line in _lines_that_changed(work, path)}
    if lines:
        new = {line: restated(work.ruleset, line, leaves_discovery=True) for line in lines}
        work.edit(work.edits._replace(replaced={**work.edits.replaced, **new}))
    return bool(lines)


def _lines_that_changed(work: Work, path: str) -> Iterator[int]:
    """Restated rules that treat such packets otherwise."""
    if work.family is Family.IPV4:
        return
    settled = (work.settled(path) & work.pair.icmp(NEVER_TRACKED)) | work.invalid(path)
    old, new = (side.passing(path, settled) for side in (work.old, work.now))
    changed = (old ^ new).possibly()
    for met in work.now.met(path):
        line = work.draft.origin(met.step.line)
        texts = work.edits.replaced.get(line)
        if not texts or not met.meets(met.drops | met.accepts, changed):
            continue
        if texts != restated(work.ruleset, line, leaves_discovery=True):
            yield line


def plan(work: Work) -> list[Added]:
    """Rules for what would be lost."""
    found = []
    for path in PATHS:
        settled = work.settled(path)
        lost = work.lost(path, work.old.passing(path, settled))
        gained = (work.now.passing(path, settled) - work.old.passing(path, settled)).possibly()
        if not gained.is_empty():
            raise Declined("packets that are untracked already would be let in", 0, "", work.witness(gained))
        found += list(_lost(work, path, lost)) if not lost.is_empty() else []
        found += list(_refused(work, path))
    return found


def _refused(work: Work, path: str) -> Iterator[Added]:
    """Redirects, which a rule for INVALID packets refused that is taken out."""
    invalid = work.invalid(path)
    gained = work.now.passing(path, invalid) - work.old.passing(path, invalid)
    for met in work.old.met(path) if not gained.is_empty() else ():
        target = met.step.rule.target
        if target is not None and met.step.line in work.edits.taken_out and met.meets(met.drops, gained):
            kinds = (Bounds(ICMPV6, icmp_type=kind) for kind in NEVER_VALID if gained.meets(work.pair.icmp((kind,))))
            new = (rule for kind in kinds for rule in rules(met.step.chain, kind, (), target, work.family))
            yield Added(met.step.line, "always invalid", tuple(map(without_state, new)))
            return


def _lost(work: Work, path: str, lost: PacketSet) -> Iterator[Added]:
    place = work.place(path, lost, lambda line: False)
    if not place.is_taken_out:
        raise Declined("packets that are untracked already would be dropped", place.line, "", work.witness(lost))
    step, target = in_own_chain(place.met, work.old), place.met.step.rule.target
    assert target is not None
    new = (
        without_state(rule)
        for bounds in _kinds(work, path, lost, of_rule(place.met.step.rule))
        for rule in rules(step.chain, bounds, (), target, work.family, whole=True)
    )
    yield Added(step.line, "what was untracked before", tuple(new))


def _kinds(work: Work, path: str, lost: PacketSet, asked: Bounds) -> Iterator[Bounds]:
    """What such packets are: types of ICMPv6, and what rules in raw ask."""
    if lost.meets(work.pair.icmp(NEVER_TRACKED)) and work.family is Family.IPV6:
        for kind in NEVER_TRACKED:
            if lost.meets(work.pair.icmp((kind,))):
                yield together(asked, Bounds(ICMPV6, icmp_type=kind))
    program = work.old.prepared.programs.get("raw")
    for met in _untracking(work.old.met(path)) if program is not None else ():
        if met.meets(met.hit, lost):
            yield together(asked, of_rule(met.step.rule))


def _untracking(found: Iterator[Met]) -> Iterator[Met]:
    return (met for met in found if leaves_untracked(met.step))
