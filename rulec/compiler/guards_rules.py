"""Rules that hot packets meet, and that ask for what only a tracked connection has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from rulec.compiler.flows import Met, bare, established, new, tracked
from rulec.compiler.job import Case, Job, Part
from rulec.compiler.legs import on, packets
from rulec.compiler.others import leaves_untracked
from rulec.model import Match, Rule
from rulec.packetset.packetset import PacketSet
from rulec.semantics.program import Step

_OF_CONNECTIONS = ("connlimit", "connbytes", "connmark", "connlabel", "cluster")
_LOST_OPTIONS = ("--ctstatus", "--ctexpire", "--ctdir", "--ctreplsrc", "--ctrepldst", "--ctreplsrcport",
                 "--ctrepldstport")  # fmt: skip


class Guarded(NamedTuple):
    """A rule that stands in the way of a flow."""

    case: Case
    line: int
    message: str
    hint: str = ""
    witness: str = ""


def helper(job: Job) -> Iterator[Guarded]:
    """A helper sees nothing of untracked packets, and what it expects is lost (measured with ftp and tftp).

    It is given to connections as they begin (nf_conntrack_in looks at the template of
    CT for these alone).
    """
    message = "a connection helper reads this flow, and what it expects would be cut"
    first = job.opening & new(job.space)
    yield from _by_target(job, _is_helper, message, "leave the port tracked", among=first)
    yield from _by_match(job, partial(_is_named, "helper"), message, "leave the port tracked")


def connection_match(job: Job) -> Iterator[Guarded]:
    """Matches that never hold of untracked packets, or count connections that are not there."""
    for name in _OF_CONNECTIONS:
        message = f"-m {name} looks at the connection of the packet, and an untracked packet has none"
        hint = "narrow the rule or the entry, so that they do not meet"
        yield from _by_match(job, partial(_is_named, name), message, hint)


def connection_option(job: Job) -> Iterator[Guarded]:
    """Options of -m conntrack for which there is no other word; beside a state they are passed over (measured)."""
    for option in _LOST_OPTIONS:
        message = f"{option} asks for the connection of the packet, and an untracked packet has none"
        yield from _by_match(job, partial(_asks, option), message, "ask for addresses and ports of the packet instead")


def connection_target(job: Job) -> Iterator[Guarded]:
    """Marks of connections: nothing saves or restores one of an untracked packet (measured)."""
    for name in ("CONNMARK", "CONNSECMARK"):
        message = f"{name} keeps a mark with the connection, and an untracked packet has none"
        hint = "mark the packets of this flow by a rule of their own, and let them pass this one"
        yield from _by_target(job, partial(_goes_to, name), message, hint)


def synproxy(job: Job) -> Iterator[Guarded]:
    """SYNPROXY needs the rest of the connection tracked (measured)."""
    message = "SYNPROXY answers for this flow, and needs its connections tracked"
    yield from _by_target(job, partial(_goes_to, "SYNPROXY"), message, "leave the port tracked", anyhow=True)


def tproxy(job: Job) -> Iterator[Guarded]:
    """It takes flows to others, too: with one direction alone untracked nothing gets through (measured)."""
    message = "TPROXY takes packets of this flow, and of what it takes one direction alone may be untracked"
    yield from _by_target(job, partial(_goes_to, "TPROXY"), message, "leave the port tracked", anyhow=True)


def ipvs(job: Job) -> Iterator[Guarded]:
    """Untried."""
    message = "-m ipvs asks for the virtual server of this flow, and it was not tried with untracked packets"
    yield from _by_match(job, partial(_is_named, "ipvs"), message, "leave the port tracked")


def state_in_raw(job: Job) -> Iterator[Guarded]:
    """In raw every packet is INVALID, and UNTRACKED behind a NOTRACK rule (measured)."""
    message = "the rule asks in raw for the state, which is another one behind the new rules"
    for case, _, met, _ in _all_met(job, lambda step: step.table == "raw" and _asks_state(step.rule)):
        yield Guarded(case, met.step.line, message, "ask for the state in filter or mangle")


def exemption(job: Job) -> Iterator[Guarded]:
    """Some hot packets leave raw early: new rules in front would untrack what was meant to be spared."""
    message = "the rule lets some of these packets leave raw early: is it meant to keep them tracked?"
    for case, part, met, hit in _all_met(job, lambda step: step.table == "raw"):
        ends = met.step.verdict == "ACCEPT" or (met.step.verdict == "RETURN" and not met.stack)
        if ends:
            plain = job.space.only({"mark": 0})
            spared, all_of_them = bare(hit & plain), bare(_tracked(job, case, part) & plain)
            behind = any(leaves_untracked(step) for step in job.old.prepared.programs["raw"].steps())
            if not spared.is_empty() and (behind or not (all_of_them - spared).is_empty()):
                hint = "delete it, or narrow the entry by servers and clients"
                yield Guarded(case, met.step.line, message, hint, job.witness(spared))


def other_interface(job: Job) -> Iterator[Guarded]:
    """The same flow is admitted where it stays tracked, and its answers would be untracked."""
    for case in job.cases:
        name, request = case.entry.interface, case.flow.request
        if name is None or request.path == "output":
            continue
        elsewhere = packets(request.anywhere(), job.space) & job.whole - on(job.space, "iif", name)
        for met in job.old.met(request.path):
            hit = met.among(met.accepts, elsewhere & job.opening & new(job.space))
            if met.step.table == "filter" and not hit.is_empty():
                message = (
                    f"the rule admits the same flow on other interfaces than {name}, and its answers would be untracked"
                )
                hint = f"add -i {name} to it, or delete the interface from the entry"
                yield Guarded(case, met.step.line, message, hint, job.witness(hit))
                break


# ── rules that hot packets meet ──


def _all_met(job: Job, wanted: Callable[[Step], bool]) -> Iterator[tuple[Case, Part, Met, PacketSet]]:
    """Each of the wanted rules that packets of a flow get to, tracked, and those that match."""
    for case in job.cases:
        for part in (*case.requests, *case.answers):
            mine = _tracked(job, case, part)
            for met in job.old.met(part.path):
                if wanted(met.step) and met.meets(met.arrives, mine):
                    yield case, part, met, met.among(met.hit, mine)


def _tracked(job: Job, case: Case, part: Part) -> PacketSet:
    """The packets of a flow as they were; what comes from the hot port and is no answer begins another flow."""
    known = tracked(job.space) if part in case.requests else established(job.space, reply=True) & job.later
    return part.packets & known


def _by_target(
    job: Job,
    wanted: Callable[[Rule], bool],
    message: str,
    hint: str,
    anyhow: bool = False,
    among: PacketSet | None = None,
) -> Iterator[Guarded]:
    """Rules with a target that packets of a flow match; ``anyhow`` even if they match as untracked ones.

    Where ``among`` is given, of the requests only these.
    """
    for case in job.all_cases if anyhow else job.cases:
        parts = (*case.requests, *case.answers) if among is None else case.requests
        for part in [part for leg in case.flow for part in job.parts(leg)] if anyhow else parts:
            for met in job.old.met(part.path):
                known = _tracked(job, case, part) if among is None else part.packets & among
                mine = part.packets if anyhow else known
                found = met.among(met.hit, mine) if wanted(met.step.rule) else job.space.nothing
                if not found.is_empty():
                    yield Guarded(case, met.step.line, message, hint, job.witness(found))


def _by_match(job: Job, wanted: Callable[[Match], bool], message: str, hint: str) -> Iterator[Guarded]:
    """Rules with a match that packets of a flow come to, since all else that they ask for holds."""
    for case, part, met, _ in _all_met(job, lambda step: any(map(wanted, step.rule.matches))):
        left = tuple(match for match in met.step.rule.matches if not wanted(match))
        stripped = met._replace(step=met.step._replace(rule=met.step.rule._replace(matches=left)))
        hit = job.old.matching(stripped, met.among(met.arrives, _tracked(job, case, part)))
        if not hit.is_empty():
            yield Guarded(case, met.step.line, message, hint, job.witness(hit))


def _is_helper(rule: Rule) -> bool:
    uses = rule.target.uses if rule.target is not None and rule.target.name == "CT" else ()
    return any(use.option == "--helper" for use in uses)


def _goes_to(name: str, rule: Rule) -> bool:
    return rule.target is not None and rule.target.name == name


def _is_named(name: str, match: Match) -> bool:
    return match.name == name


def _asks(option: str, match: Match) -> bool:
    return any(use.option == option for use in match.uses)


def _asks_state(rule: Rule) -> bool:
    return any(match.name in ("state", "conntrack") for match in rule.matches)
