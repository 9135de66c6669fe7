"""Answers of hot flows, where the hook that they leave or come in by is filtered.

What was ESTABLISHED is UNTRACKED.  In front of the rule that accepted it stands one
for the answers to just what begins: the conditions of the rule that a flow begins
by, turned round.  Of TCP an answer has ACK wherever it has SYN; without that test
whoever binds a hot port could begin connections.  The reset that REJECT sends about
an untracked packet is INVALID (measured), and gets a rule of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rulec.analysis.untracked_flows import turned as turned_packets
from rulec.compiler.bounds import Bounds, is_turnable, of_leg, rules, together, turned
from rulec.compiler.flows import Met, bare, established, invalid, new, untracked
from rulec.compiler.job import Case, Job, Part, bounds_of, ends_well, in_own_chain, lost_to_policy, openings
from rulec.compiler.legs import Leg
from rulec.compiler.outcome import Declined, Plan
from rulec.model import Family, Match, Rule, Target, Use
from rulec.model.protocols import TCP
from rulec.packetset.fields import FLAGS
from rulec.packetset.packetset import PacketSet
from rulec.semantics.program import Step

_ACCEPT, _RETURN = Target("ACCEPT"), Target("RETURN")
_RST = FLAGS["RST"]
_WITH_RST = Match("tcp", (Use("--tcp-flags", False, (_RST, _RST)),))
_LONGEST = 28  # XT_EXTENSION_MAXNAMELEN less the byte that ends the name
_NOT_OF_NAMES = re.compile(r"^-|[^\w.-]", re.ASCII)


def plan(job: Job) -> Plan:
    """Rules that accept answers where they were accepted as those of known connections."""
    found = Plan()
    for case in job.cases:
        for part in case.answers:
            needed = job.needed_later(case, part, reply=True)
            mine = part.packets & job.later & untracked(job.space) & needed
            lost = job.lost(part.path, needed, mine)
            if not lost.is_empty():
                _accept(job, found, case, part, lost)
        for leg in reversed(case.flow):
            _resets(job, found, case, leg)
    return found


def _resets(job: Job, found: Plan, case: Case, leg: Leg) -> None:
    """What REJECT sends about untracked packets, whoever they are from."""
    part = Part("output", job.resets_of(leg))
    before = bare(job.old.passing(part.path, part.packets & established(job.space, reply=True)))
    lost = job.lost(part.path, before, part.packets & invalid(job.space))
    place = None if lost.is_empty() else _place(job, part, lost, invalid(job.space))
    if place is not None:
        step = in_own_chain(place, job.now)
        asked = _by_interface(of_leg(leg), part.path, looped=False)._replace(rest=(_WITH_RST,))
        if job.resets_forwarded:
            asked = asked._replace(others=(*asked.others, _from_here(leg.path != "forward")))
        new = rules(step.chain, asked, ("INVALID",), _ACCEPT, job.family, whole=True)
        found.add(step.line, job.told(case.entry, "resets by REJECT"), tuple(new))


def _from_here(from_here: bool) -> Match:
    return Match("addrtype", (Use("--src-type", not from_here, ("LOCAL",)),))


def _accept(job: Job, found: Plan, case: Case, part: Part, lost: PacketSet) -> None:
    leg = case.flow.answer
    place = _place(job, part, lost, untracked(job.space))
    if place is None:
        raise lost_to_policy(job, part.path, f"answers of {leg.name} would be lost", lost & untracked(job.space))
    step = in_own_chain(place, job.now)
    new: list[Rule] = []
    for bounds in _bounds(job, case, place.hook.name):
        asked = _by_interface(bounds, part.path, looped=True) if leg.looped else _to_one(bounds, part.path, job.family)
        new += rules(step.chain, asked, ("UNTRACKED",), _ACCEPT, job.family, syn=False)
    if not job.is_new(job.origin(place), tuple(new)):
        raise Declined(f"answers of {leg.name} would be lost here", job.origin(place), "", job.witness(lost))
    told, dropping = job.told(case.entry, "answers"), list(_dropping_between(job, part, step, place))
    if not dropping and spared(job, case, part, place, new).is_empty():
        found.add(step.line, told, tuple(new))
        return
    asked = of_leg(leg)
    asked = _by_interface(asked, part.path, looped=True) if leg.looped else _to_one(asked, part.path, job.family)
    chain = declared(job, found, step.table, f"{case.entry.name}-answers")
    first = [rule for bounds in dropping for rule in rules(chain, bounds, (), _RETURN, job.family, whole=True)]
    jumps = rules(step.chain, asked, ("UNTRACKED",), Target(chain), job.family, syn=False)
    found.add(step.line, told, (*first, *_mirrored(job, case, place.hook.name, chain), *jumps))


def _dropping_between(job: Job, part: Part, step: Step, place: Met) -> Iterator[Bounds]:
    """What rules ask that drop answers behind a call, and before a place to which that leads."""
    mine = part.packets & job.later & untracked(job.space)
    for met in job.now.met(part.path):
        if (met.step, met.stack) == (place.step, place.stack):
            return
        if step in met.stack and met.meets(met.drops, mine) and met.drops == met.hit:
            yield bounds_of(*met.stack[met.stack.index(step) + 1 :], met.step)


def spared(job: Job, case: Case, part: Part, place: Met, new: list[Rule]) -> PacketSet:
    """Answers that some new rules would accept, of flows that do not begin."""
    to_one = turned_packets(job.from_one)
    later = part.packets & job.later & untracked(job.space) & job.now.enters(part.path) & to_one
    accepted = job.space.union(job.now.asking(place, rule) for rule in new)
    flows = job.of_answers(case.begun).without(("src_type", "dst_type"))
    return (bare(accepted & later) - flows).possibly()


def declared(job: Job, found: Plan, table: str, wanted: str) -> str:
    """A new chain, by a name that is not taken; what iptables would read otherwise, such as a blank, is ``_``."""
    wanted = _NOT_OF_NAMES.sub("_", wanted)
    taken = {*job.draft.ruleset.tables[table].chains, *(name for _, name in found.declared)}
    names = (f"{wanted[: _LONGEST - 3]}{suffix}" for suffix in ("", *range(2, 99)))
    name = next(name for name in names if name not in taken)
    found.declared.append((table, name))
    return name


def _mirrored(job: Job, case: Case, hook: str, chain: str) -> Iterator[Rule]:
    """What the rules say by which flows begin or not, in their order, said of the answers."""
    part = case.requests[-1]
    left = part.packets & job.opening & new(job.space)
    for met in job.old.met(part.path):
        accepts = met.step.table == "filter" and met.meets(met.accepts, left)
        if not accepts and not (met.meets(met.drops, left) and met.drops == met.hit):
            continue
        bounds = bounds_of(*met.stack, met.step)
        if not accepts and (bounds.rest or not is_turnable(bounds) or _may_begin(job, case, met, bounds)):
            continue  # not all that it says can be said of answers
        target = _ACCEPT if accepts else _RETURN
        yield from rules(chain, turned(bounds, hook)._replace(rest=()), (), target, job.family)
        left = left - met.among(met.hit, left)
    if not left.is_empty() and ends_well(job.old, part.path, left):
        yield Rule(chain, (), (), _ACCEPT)


def _may_begin(job: Job, case: Case, met: Met, bounds: Bounds) -> bool:
    """Whether flows begin that a rule seems to be for: others before it have let them pass."""
    asked = rules(met.step.chain, bounds, (), _ACCEPT, job.family)
    return any(job.old.asking(met, rule).meets(case.begun) for rule in asked)


def _by_interface(bounds: Bounds, path: str, looped: bool) -> Bounds:
    """Local connections stay tracked, and what is INVALID of them stays so; or they alone are meant."""
    side = "out" if path == "output" else "in"
    if any(each == side for each, _, _ in bounds.ends):
        return bounds
    return bounds._replace(ends=(*bounds.ends, (side, not looped, "lo")))


def _to_one(bounds: Bounds, path: str, family: Family) -> Bounds:
    """Nobody asks from an address of many, so nothing is answered there; of TCP no packet has one."""
    asked = any(use.option == "--dst-type" for match in bounds.others for use in match.uses)
    if path == "input" or bounds.protocol == TCP or asked:
        return bounds
    many = ("BROADCAST", "MULTICAST") if family is Family.IPV4 else ("MULTICAST",)
    return bounds._replace(others=(*bounds.others, Match("addrtype", (Use("--dst-type", True, many),))))


def _place(job: Job, part: Part, lost: PacketSet, now: PacketSet) -> Met | None:
    """The first rule that drops lost packets in the state that they have now, or that accepted them."""
    dropped = part.packets & now & lost
    accepted = part.packets & established(job.space, reply=True) & lost
    for met in job.now.met(part.path):
        if met.meets(met.drops, dropped) or (met.step.table == "filter" and met.meets(met.accepts, accepted)):
            return met
    return None


def _bounds(job: Job, case: Case, hook: str) -> list[Bounds]:
    """What is asked of answers: one for each rule by which flows begin; what needs no address makes the others idle."""
    leg = of_leg(case.flow.answer)
    part = case.requests[-1]
    first = part.packets & job.opening & new(job.space) & case.begun
    found = [together(turned(each.bounds, hook), leg) for each in openings(job, case, job.old, first)]
    plain = [bounds for bounds in found if set(bounds.ends) <= set(leg.ends) and not bounds.others]
    widest = [bounds for bounds in plain if (bounds.sports, bounds.dports) == (leg.sports, leg.dports)]
    return widest[:1] or list(dict.fromkeys(found)) or [leg]
