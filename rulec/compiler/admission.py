"""How the rules that hot flows begin by take UNTRACKED as they take NEW.

An untracked request is in the state UNTRACKED for good.  Each rule that its first
packet met in the state NEW is to treat it so: a list of states gets UNTRACKED beside
NEW where the rule is for these ports alone, and nothing else that is untracked
could match.  Otherwise a copy of the rule for the ports and UNTRACKED stands in
front of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.compiler.bounds import STATE_MATCHES, of_leg, of_rule, rules, together
from rulec.compiler.flows import Met, bare, new, untracked
from rulec.compiler.job import Case, Job, Part
from rulec.compiler.legs import Leg
from rulec.compiler.others import NONE
from rulec.compiler.outcome import Declined, Plan
from rulec.model import Match, Rule, Use
from rulec.packetset.packetset import PacketSet
from rulec.semantics.effects import CONTINUES
from rulec.syntax.save import saved_rule


def plan(job: Job) -> Plan:
    """The changes with which first packets pass as before."""
    found = Plan()
    for case in job.cases:
        for part in case.requests:
            for met in job.old.met(part.path):
                if _state_use(met.step.rule) is not None:
                    _step(job, found, case, part, met)
        if case.is_tcp:
            _refuse_from_servers(job, found, case)
    return found


def _refuse_from_servers(job: Job, found: Plan, case: Case) -> None:
    """A rule that refuses what begins from the server's side does so too when that is untracked."""
    for part in case.answers:
        first = part.packets & job.opening
        for met in job.old.met(part.path):
            if met.step.line in found.widened or not _may_refuse(job, part, met, first & new(job.space)):
                continue
            missed = bare(met.among(met.hit, first & new(job.space)))
            missed -= bare(job.old.matching(met, first & untracked(job.space)))
            if missed.is_empty():
                continue
            if met.step.has_memory and not _others(job, met):
                found.widened.add(met.step.line)
            else:
                _copied(job, found, met, case.flow.answer, missed, syn=True)


def _may_refuse(job: Job, part: Part, met: Met, first: PacketSet) -> bool:
    """Whether a rule drops some first packets, or sends them where they are dropped."""
    if not met.step.goes_to:
        return met.meets(met.drops, first)
    inside = (below for below in job.old.met(part.path) if below.stack[: len(met.stack) + 1] == (*met.stack, met.step))
    return met.meets(met.hit, first) and any(below.meets(below.drops, first) for below in inside)


def _step(job: Job, found: Plan, case: Case, part: Part, met: Met) -> None:
    """What one rule that asks for the state has to become."""
    first = part.packets & job.opening & new(job.space)
    arrives = bare(met.among(met.arrives, first))
    if arrives.is_empty() or met.step.line in found.widened | found.narrowed:
        return
    hit, would = bare(met.among(met.hit, first)), bare(_would_match(job, part, met))
    wrong = arrives & would - hit
    if not wrong.is_empty():
        _wrongly(job, found, met, wrong, wrong - bare(job.old.passing(part.path, first)))
    if not (hit - would).is_empty():
        _missed(job, found, case, met, hit - would)


def _would_match(job: Job, part: Part, met: Met) -> PacketSet:
    """The packets that the rule would match if they were untracked."""
    return job.old.matching(met, part.packets & job.opening & untracked(job.space))


def _wrongly(job: Job, found: Plan, met: Met, wrong: PacketSet, refused: PacketSet) -> None:
    """A rule that untracked packets match, and new ones do not: a negated list gets UNTRACKED, too.

    What is ``refused`` as new does not come through elsewhere either.
    """
    use = _state_use(met.step.rule)
    assert use is not None
    if use.negated and not _others(job, met):
        found.widened.add(met.step.line)
    elif use.negated:
        raise Declined(
            "the rule is for all untracked packets, those of other flows among them",
            met.step.line,
            "name the protocol in it",
            job.witness(wrong),
        )
    elif not (met.step.verdict == "ACCEPT" and refused.is_empty()) and "wholesale" not in job.unguarded:
        _narrow(job, found, met, use.value, wrong)


def _narrow(job: Job, found: Plan, met: Met, states: tuple[str, ...], packets: PacketSet) -> None:
    """A rule that accepts whatever is untracked: it loses that state.

    What else is in it gets rules of its own: of IPv6 neighbour discovery, and what
    the ruleset leaves untracked already.
    """
    kinds = tuple(job.others.kinds(met))
    if states == ("UNTRACKED",) or None in kinds:
        raise Declined(
            "the rule is for untracked packets whatever they are, hot ones among them",
            met.step.line,
            "name in it what else is untracked",
            job.witness(packets),
        )
    found.narrowed.add(met.step.line)
    job.tell(f"line {met.step.line} is for untracked packets of all ports, and is so no more")
    target = met.step.rule.target
    for kind in dict.fromkeys(kinds):
        assert kind is not None
        assert target is not None
        bounds = together(of_rule(met.step.rule), kind)
        copies = rules(met.step.chain, bounds, ("UNTRACKED",), target, job.family, whole=True)
        found.add(met.step.line, "untracked besides", tuple(copies))


def _missed(job: Job, found: Plan, case: Case, met: Met, packets: PacketSet) -> None:
    """A rule that new packets match, and untracked ones do not.

    One that remembers is not doubled: it counts all packets together.
    """
    if met.step.extension in CONTINUES and not case.is_tcp:
        name = case.flow.request.name
        job.tell(f"line {met.step.line}: {met.step.extension} is not met by untracked packets of {name}")
        return
    is_shared = met.step.has_memory and met.step.verdict != "ACCEPT" and not _others(job, met)
    if is_shared or _is_own(job, met):
        found.widened.add(met.step.line)
        return
    _copied(job, found, met, case.flow.request, packets)


def _copied(job: Job, found: Plan, met: Met, leg: Leg, packets: PacketSet, syn: bool | None = None) -> None:
    """A copy of a rule for the packets of a leg, in front of it."""
    target = met.step.rule.target
    assert target is not None
    try:
        bounds = together(of_rule(met.step.rule), of_leg(leg))
    except Declined as declined:
        raise Declined(str(declined), met.step.line, declined.hint, job.witness(packets)) from None
    copies = rules(met.step.chain, bounds, ("UNTRACKED",), target, job.family, syn=syn, whole=True)
    found.add(met.step.line, job.told(leg.entry, ""), tuple(copy for copy in copies if not _stands(job, met, copy)))


def _stands(job: Job, met: Met, copy: Rule) -> bool:
    """Whether the copy is in front of the rule already."""
    wanted = saved_rule(copy, job.family)
    chain = job.old.prepared.programs[met.step.table].chains[met.step.chain]
    return any(saved_rule(step.rule, job.family) == wanted for step in chain.steps if step.line < met.step.line)


def _is_own(job: Job, met: Met) -> bool:
    """Whether the rule is for certain ports, asks for nothing but states of the connection, and is for no others."""
    try:
        names_ports = of_rule(met.step.rule).names_ports
    except Declined:
        return False
    plain = all(len(match.uses) == 1 for match in _state_matches(met.step.rule))
    return names_ports and plain and not _others(job, met)


def _others(job: Job, met: Met) -> bool:
    """Whether packets of other flows are untracked, too, and may match the rule."""
    return next(job.others.kinds(met), NONE) is not NONE


def _state_use(rule: Rule) -> Use | None:
    """What a rule asks of the state."""
    uses = (use for match in _state_matches(rule) for use in match.uses)
    return next((use for use in uses if use.option in ("--state", "--ctstate")), None)


def _state_matches(rule: Rule) -> Iterator[Match]:
    return (match for match in rule.matches if match.name in STATE_MATCHES)
