"""Rules for single flows instead of those for known connections: for packets after the first, and for answers.

They stand where the rule stood that let them through by state, go where that went,
and ask what the rule asks by which the flows begin, of answers turned round.
Packets of TCP with SYN and without ACK are left out: these begin connections.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rulec.catalogue.matches.u32 import TESTS
from rulec.compiler.bounds import ALL, Bounds, of_rule, rules, together, turned
from rulec.compiler.flows import Met
from rulec.compiler.job import bounds_of, counts, in_own_chain
from rulec.compiler.outcome import Added, Declined
from rulec.compiler.stateless_flows import Admitted, Place, Work, answered_on, asked_on
from rulec.compiler.stateless_rules import without_state
from rulec.model import Family, Match, Rule, Target, Use
from rulec.model.protocols import ECHO, ICMP, ICMPV6, TCP, UDP
from rulec.packetset.packetset import PacketSet
from rulec.semantics.effects import CONTINUES
from rulec.semantics.paths import PATHS

_ACCEPT = Target("ACCEPT")
_FOR_EACH = "the rule is met by the first packet of {} alone, and would be met by every one"
_OTHER_PROTOCOLS = "6&0xFF=0,2:5,7:16,18:255"
"""u32: neither ICMP nor TCP nor UDP.  For IPv6 extension headers stand in the way."""


class Wanted(NamedTuple):
    """Rules that are needed in front of a line: in which chain, where to, for which flows."""

    line: int
    chain: str
    target: Target
    what: str
    bounds: Bounds
    name: str


def later(work: Work) -> list[Added]:
    """Packets of the asking side after the first."""
    return _added(work, _each(work, reply=False), "packets after the first")


def answers(work: Work) -> list[Added]:
    """Packets of the answering side."""
    return _added(work, _each(work, reply=True), "answers")


def _each(work: Work, reply: bool) -> Iterator[Wanted]:
    covered = dict.fromkeys(PATHS, work.space.nothing)
    for flow in work.admitted:
        for way in answered_on(flow) if reply else asked_on(flow):
            needed = work.needed(flow, way, reply)
            lost = work.lost(way, needed)
            left = lost - covered[way]
            if not reply and work.policy.losses == "accept":
                left -= work.strange(flow, lost)
            if not left.is_empty():
                covered[way] |= needed
                place = _place(work, flow, way, left, reply)
                yield from _wanted(work, _on_way(work, flow, way, reply), place, left, reply)
            elif lost.is_empty():
                yield from _uncounted(work, flow, way, needed, reply)


def _place(work: Work, flow: Admitted, way: str, lost: PacketSet, reply: bool) -> Place:
    """Where packets are to be let through, each place once for the same flows."""
    key = flow.entry, flow.met, flow.bounds, way, reply
    place = work.place(way, lost, lambda line: (*key, line) in work.used)
    work.used.add((*key, place.line))
    return place


def _on_way(work: Work, flow: Admitted, way: str, reply: bool) -> Admitted:
    """The same; what is asked of this host leaves before, and is answered to itself, over the loopback.

    Answers to others are kept from it, where this host may not begin the same with itself.
    """
    if flow.path != "input" or (way == "input" and not reply):
        return flow
    if (way == "output") != reply:
        return flow.over_loopback("out")
    return flow.over_loopback("in") if work.is_looped(flow) else work.kept_from_itself(flow)


def _wanted(work: Work, flow: Admitted, place: Place, lost: PacketSet, reply: bool) -> Iterator[Wanted]:
    """What is needed at a place."""
    if not reply and flow.bounds.protocol != TCP and not _of_tcp(work, lost):
        raise _told_apart(work, flow, place, lost)
    step = in_own_chain(place.met, work.old if place.is_taken_out else work.now)
    line = place.line if step is place.met.step else step.line
    if not place.is_taken_out:
        line = work.draft.origin(step.line)
    target = place.met.step.rule.target if place.is_taken_out else None
    if target is None or target.extends or (target.name == "RETURN" and step is not place.met.step):
        target = _ACCEPT
    bounds = _bounds(flow, place, step is place.met.step, reply)
    for each in _by_protocol(work, bounds, lost, reply, flow.name):
        yield Wanted(line, step.chain, target, "", each, flow.name)


def _told_apart(work: Work, flow: Admitted, place: Place, lost: PacketSet) -> Declined:
    """That first packets and others cannot be told apart."""
    drop = next((met for met in work.now.met(flow.path) if met.meets(met.drops, lost)), None)
    begins = flow.met.step.line if flow.met is not None else place.line
    line = begins if drop is None else work.draft.origin(drop.step.line)
    if drop is not None and line and line != begins and not drop.step.has_memory and not _counts_first(flow):
        text = f"the rule stops what would begin {flow.name} alone, and would stop what goes on with it"
        return Declined(text, line, "put it in front of the rule for known connections", work.witness(lost))
    return Declined(_FOR_EACH.format(flow.name), begins, "restate it for packets", work.witness(lost))


def _counts_first(flow: Admitted) -> bool:
    return flow.met is not None and flow.met.step.has_memory


def _of_tcp(work: Work, packets: PacketSet) -> bool:
    return (packets - work.space.field("proto").equals(TCP)).is_empty()


def _bounds(flow: Admitted, place: Place, is_there: bool, reply: bool) -> Bounds:
    """What is asked of the packets, and by the rule that was taken out."""
    hook = place.met.hook.name
    found = turned(flow.bounds, hook) if reply else _without_ways(flow, place.met)
    if not place.is_taken_out:
        return found
    try:
        own = of_rule(place.met.step.rule) if is_there else bounds_of(*place.met.stack, place.met.step)
        return together(found, own._replace(rest=()))
    except Declined:
        return found


def _without_ways(flow: Admitted, place: Met) -> Bounds:
    """What is asked by the rule that flows begin by, and by the jumps to it that do not lead to the place, too."""
    if flow.met is None or flow.entry is not None or flow.met.hook != place.hook:
        return flow.bounds
    ways = [step for step in flow.met.stack if step not in place.stack]
    return bounds_of(*ways, flow.met.step)._replace(rest=())


def _by_protocol(work: Work, bounds: Bounds, lost: PacketSet, reply: bool, name: str) -> Iterator[Bounds]:
    """The same for one protocol each, where packets of TCP that begin connections are to be left out."""
    if bounds.protocol is not None:
        if bounds.protocol in (ICMP, ICMPV6):
            bounds = bounds._replace(icmp_type=_echo(work, reply))
        yield _to_one(work, bounds, lost)
        return
    icmp, proto = (ICMP if work.family.bits == 32 else ICMPV6), work.space.field("proto")
    for number in (TCP, UDP, icmp):
        if lost.meets(proto.equals(number)):
            found = bounds._replace(protocol=number, icmp_type=_echo(work, reply) if number == icmp else None)
            yield _to_one(work, found, lost)
    if not (lost - proto.among((TCP, UDP, icmp))).is_empty():
        if work.family is Family.IPV6:
            raise Declined(f"{name} may be of any protocol", 0, "name the protocols in the rule", work.witness(lost))
        others = Match("u32", (Use("--u32", False, TESTS.read(work.family, _OTHER_PROTOCOLS)),))
        yield _to_one(work, bounds._replace(others=(*bounds.others, others)), lost)


def _echo(work: Work, reply: bool) -> int:
    return ECHO[work.family][reply]


def _to_one(work: Work, bounds: Bounds, lost: PacketSet) -> Bounds:
    """To one host alone, where others than TCP could be meant for many."""
    if bounds.protocol == TCP:
        return bounds
    if any(use.option == "--dst-type" for match in bounds.others for use in match.uses):
        return bounds
    many = ("BROADCAST", "MULTICAST") if work.family is Family.IPV4 else ("MULTICAST",)
    is_local = (lost - work.pair.local("dst_type")).is_empty()
    use = Use("--dst-type", False, ("LOCAL",)) if is_local else Use("--dst-type", True, many)
    return bounds._replace(others=(*bounds.others, Match("addrtype", (use,))))


# ── rules that count ──


def _uncounted(work: Work, flow: Admitted, way: str, needed: PacketSet, reply: bool) -> Iterator[Wanted]:
    """In front of rules that count or log packets of flows, and did not before."""
    known = {met.step.line for met in work.old.met(way) if counts(met.step) and met.meets(met.hit, needed)}
    for met in work.now.met(way):
        line = work.draft.origin(met.step.line)
        if counts(met.step) and met.meets(met.hit, needed) and line not in known:
            mine = met.among(met.hit, needed) & work.space.field("proto").equals(TCP)
            if not mine.is_empty():
                yield from _wanted(work, flow, _before(work, way, met, mine), mine, reply)
            elif not _only_notes(met):
                witness = work.witness(met.among(met.hit, needed))
                raise Declined(_FOR_EACH.format(flow.name), line, "restate it for packets", witness)
            return


def _only_notes(met: Met) -> bool:
    """Whether a rule decides nothing: then it may note other packets than before, which the certificate lists."""
    return met.step.extension in CONTINUES and met.step.rule.match("recent") is None


def _before(work: Work, way: str, counting: Met, packets: PacketSet) -> Place:
    """The rule by state that spared packets from being counted, else in front of the rule that counts."""
    for met in work.old.met(way):
        if (
            met.step.line in work.edits.taken_out
            and met.step.table == counting.step.table
            and met.meets(met.hit, packets)
        ):
            return Place(met, met.step.line, is_taken_out=True)
    return Place(counting, work.draft.origin(counting.step.line), is_taken_out=False)


# ── to rules ──


def _added(work: Work, wanted: Iterator[Wanted], what: str) -> list[Added]:
    """Rules for all that is wanted, those that differ by their ports alone put together."""
    merged: list[Wanted] = []
    names: dict[int, list[str]] = {}
    for each in wanted:
        index = next((index for index, other in enumerate(merged) if _are_alike(each, other)), None)
        if index is None:
            merged.append(each)
            names[len(merged) - 1] = [each.name]
        else:
            merged[index] = _merged(merged[index], each)
            names[index].append(each.name)
    return [
        Added(each.line, f"{what}: {', '.join(dict.fromkeys(names[index]))}", tuple(_rules(work, each)))
        for index, each in enumerate(merged)
    ]


def _rules(work: Work, wanted: Wanted) -> Iterator[Rule]:
    for rule in rules(wanted.chain, wanted.bounds, (), wanted.target, work.family, syn=False):
        yield without_state(rule)


def _are_alike(one: Wanted, other: Wanted) -> bool:
    if one._replace(bounds=Bounds(), name="") != other._replace(bounds=Bounds(), name=""):
        return False
    same = one.bounds._replace(sports=ALL, dports=ALL) == other.bounds._replace(sports=ALL, dports=ALL)
    return same and (one.bounds.sports == other.bounds.sports or one.bounds.dports == other.bounds.dports)


def _merged(one: Wanted, other: Wanted) -> Wanted:
    sports, dports = one.bounds.sports, one.bounds.dports
    if dports == other.bounds.dports:
        return one._replace(bounds=one.bounds._replace(sports=ports_together(sports, other.bounds.sports)))
    return one._replace(bounds=one.bounds._replace(dports=ports_together(dports, other.bounds.dports)))


def ports_together(one: tuple[tuple[int, int], ...], other: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    """The ports of both, in order; those that touch or overlap as one range."""
    found: list[tuple[int, int]] = []
    for low, high in sorted((*one, *other)):
        if found and low <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], high)
        else:
            found.append((low, high))
    return tuple(found)
