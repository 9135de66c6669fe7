"""Packets after the first, where rules that meet them now let through only what begins.

A limit, a log or ``--syn`` on the rule that a flow begins by is meant for its first
packet.  Of TCP the first packet can be told from the others: these are accepted in
front of such a rule by the ports, without state.  What carries SYN and no ACK is
left to the rule.  UDP has no such sign.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.compiler.bounds import of_leg, rules, together
from rulec.compiler.flows import Met, established, untracked
from rulec.compiler.job import Case, Job, Part, bounds_of, counts, lost_to_policy, openings
from rulec.compiler.outcome import Declined, Plan
from rulec.model import Rule, Target
from rulec.packetset.packetset import PacketSet
from rulec.semantics.effects import CONTINUES
from rulec.semantics.opaque import has_memory

_ACCEPT = Target("ACCEPT")


def plan(job: Job) -> Plan:
    """Rules that accept the later packets of flows where they would be dropped, or counted."""
    found = Plan()
    for case in job.cases:
        for part in case.requests:
            needed = job.needed_later(case, part, reply=False)
            mine = part.packets & job.later & untracked(job.space) & needed
            lost = job.lost(part.path, needed, mine)
            place = _place(job, case, part, mine, lost)
            if place is not None:
                _accept(job, found, case, place, mine, lost)
            elif not lost.is_empty():
                text = "packets of known connections would be lost"
                raise lost_to_policy(job, part.path, text, lost & untracked(job.space))
    return found


def _first(job: Job, case: Case) -> PacketSet:
    """The first packets of flows, untracked."""
    return case.requests[-1].packets & job.opening & untracked(job.space)


def _place(job: Job, case: Case, part: Part, mine: PacketSet, lost: PacketSet) -> Met | None:
    """The first rule that drops or counts packets that go on, or else the rule by which lost flows begin."""
    known = _counted_before(job, part)
    for met in job.now.met(part.path):
        if met.meets(met.drops, mine & lost):
            return met
        if counts(met.step) and met.meets(met.hit, mine) and job.origin(met) not in known:
            return met
    if lost.is_empty():
        return None
    return next((each.met for each in openings(job, case, job.now, _first(job, case)) if each.met), None)


def _counted_before(job: Job, part: Part) -> frozenset[int]:
    """The lines of rules that counted packets of known connections already."""
    later = part.packets & job.later & established(job.space, reply=False)
    return frozenset(met.step.line for met in job.old.met(part.path) if counts(met.step) and met.meets(met.hit, later))


def _accept(job: Job, found: Plan, case: Case, place: Met, mine: PacketSet, lost: PacketSet) -> None:
    line = job.origin(place)
    if not case.is_tcp:
        _check_others(job, case, place, lost)
        return
    new = tuple(_rules(job, case, place, case.begun & job.as_flows(place.among(place.arrives, mine))))
    if not new or not job.is_new(line, new):
        raise Declined("packets of known connections would be dropped here", line, "", job.witness(lost))
    found.add(place.step.line, job.told(case.entry, "packets after the first"), new)


def _check_others(job: Job, case: Case, place: Met, lost: PacketSet) -> None:
    """The packets of other protocols tell nothing: only a rule that does nothing but log may meet all of them.

    The certificate lists it; a limit of its own decides nothing else.
    """
    remembers = {match.name for match in place.step.rule.matches if has_memory(match)}
    if lost.is_empty() and place.step.extension in CONTINUES and remembers <= {"limit"}:
        return
    if "limit" not in job.unguarded:
        name = case.flow.request.name
        raise Declined(
            f"the rule meets only the first packet of a flow now, and would meet every packet of {name}",
            job.origin(place),
            "restate it for packets, or leave the port tracked",
            job.witness(lost),
        )


def _rules(job: Job, case: Case, place: Met, flows: PacketSet) -> Iterator[Rule]:
    """One for each rule by which flows begin, with what that and the jumps on the way to it ask of a flow."""
    for opens in openings(job, case, job.now, _first(job, case) & flows):
        bounds = opens.bounds
        if opens.met is not None:
            ways = [step for step in opens.met.stack if step not in place.stack]
            bounds = bounds_of(*ways, opens.met.step)
        if opens.met is None or opens.met.hook == place.hook:
            asked = together(bounds, of_leg(case.flow.request))
            yield from rules(place.step.chain, asked, ("UNTRACKED",), _ACCEPT, job.family, syn=False)
