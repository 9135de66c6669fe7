"""Rules of the table nat that rewrite hot flows, or make other flows look like them.

Untracked packets are never rewritten, neither the first ones nor, on their way back,
their answers (measured).  A rule stands in the way where it matches hot packets, and
where the answers to what it rewrites are taken for packets of a hot flow.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.analysis.forwarded import forwarded_to
from rulec.analysis.untracked_flows import turned
from rulec.catalogue.extension import Given
from rulec.catalogue.values.nat import NatRange
from rulec.compiler.flows import Course, Met, bare, new
from rulec.compiler.guards_rules import Guarded
from rulec.compiler.job import Case, Job
from rulec.compiler.legs import local, on
from rulec.packetset.packetset import PacketSet
from rulec.semantics import nat
from rulec.semantics.place import Hook, Values

_HOOKS = {
    "input": ("PREROUTING", "INPUT"),
    "forward": ("PREROUTING", "POSTROUTING"),
    "output": ("OUTPUT", "POSTROUTING"),
}
_BEFORE_ROUTING = ("PREROUTING", "OUTPUT")
_TO_DESTINATIONS = ("DNAT", "REDIRECT", "NETMAP")
_OWN = ("MASQUERADE", "REDIRECT")
"""Those that put in an address of this host."""

_OWN_END = ("src", "sport", "proto", "src_type")

_LOWEST = 1024


def rewritten(job: Job) -> Iterator[Guarded]:
    """A rule that hot packets match."""
    for case in job.all_cases:
        for part in case.requests:
            first = part.packets & job.opening & new(job.space)
            for hook in _HOOKS[part.path]:
                coming = first if hook in _BEFORE_ROUTING else job.old.passing(part.path, first)
                for met in _met(job, Hook(part.path, hook, "nat"), coming):
                    if not (met.step.extension == "MASQUERADE" and part.path == "output"):
                        yield Guarded(
                            case,
                            met.step.line,
                            f"{met.step.extension} rewrites this flow, and untracked packets are never rewritten",
                            "leave the port tracked, or narrow the rule or the entry, so that they do not meet",
                            job.witness(met.hit),
                        )


def rewritten_into(job: Job) -> Iterator[Guarded]:
    """A rule that makes of other packets some of which the answers look hot."""
    for hook in ("PREROUTING", "OUTPUT", "INPUT", "POSTROUTING"):
        path = {"PREROUTING": "input", "INPUT": "input", "OUTPUT": "output", "POSTROUTING": "forward"}[hook]
        for met in _met(job, Hook(path, hook, "nat"), job.opening & new(job.space) & _known_by_ports(job)):
            for case in job.cases:
                back = _answers(job, met) & _hot(job, case, met)
                if not back.is_empty():
                    yield Guarded(
                        case,
                        met.step.line,
                        f"the answers to what {met.step.extension} rewrites would be untracked, and not turned back",
                        _hint(met),
                        job.witness(back),
                    )


def _hint(met: Met) -> str:
    if met.step.extension in ("SNAT", "MASQUERADE"):
        return "name the remote addresses in the entry, or give the rule --to-ports without the hot ones"
    return "name this host's own addresses under servers, or leave the port tracked"


def _known_by_ports(job: Job) -> PacketSet:
    return job.space.field("proto").among(nat.KNOWN_BY_PORTS) - on(job.space, "iif", "lo")


def _met(job: Job, hook: Hook, packets: PacketSet) -> Iterator[Met]:
    """The rules of a nat table with a target that rewrites, which some packets match."""
    program = job.old.prepared.programs.get("nat")
    if program is None or hook.name not in program or packets.is_empty():
        return
    course = Course(job.old, program, hook)
    course.run(packets, Values({}))
    for met in course.met:
        if met.step.extension in nat.TARGETS and not met.hit.is_empty():
            yield met


def _hot(job: Job, case: Case, met: Met) -> PacketSet:
    """The packets of a flow that may be such answers, whichever of its directions they are."""
    parts = (*case.requests, *case.answers)
    pretending = local(job.space, "src_type") - on(job.space, "iif", "lo")
    arriving = job.space.union(part.packets for part in parts if part.path != "output") - pretending
    if met.step.extension not in _TO_DESTINATIONS or met.hook.name not in _BEFORE_ROUTING:
        return arriving
    leaving = job.space.union(part.packets for part in parts if part.path == "output")
    leaving -= local(job.space, "dst_type") - on(job.space, "oif", "lo")
    return arriving | (leaving - job.space.field("src").among(forwarded_to(job.old.prepared)))


def _answers(job: Job, met: Met) -> PacketSet:
    """The answers to what a rule makes of packets that are not hot themselves.

    What arrives from outside is not from an address of this host, and what this host
    begins is not from a hot port.
    """
    hot = job.space.union(part.packets for case in job.cases for part in (*case.requests, *case.answers))
    matched = (bare(met.hit) - hot).possibly()
    if met.step.extension in _TO_DESTINATIONS and met.hook.name in _BEFORE_ROUTING:
        own = local(job.space, "src_type")
        matched = matched - own if met.hook.name == "PREROUTING" else (matched & own) - _from_hot(job)
        return turned(matched.onto(_OWN_END)) & _made(job, met, matched, "src", "sport")
    left = matched.onto(("dst", "dport", "proto"))
    return turned(left) & _made(job, met, matched, "dst", "dport")


def _from_hot(job: Job) -> PacketSet:
    answers = (part for case in job.cases for part in case.answers if part.path == "output")
    return job.space.union(part.packets.onto(_OWN_END) for part in answers)


def _made(job: Job, met: Met, matched: PacketSet, address: str, port: str) -> PacketSet:
    """The answers by the address and the port that the rule puts in."""
    target, space = met.step.rule.target, job.space
    assert target is not None
    given = Given(job.family, target.uses)
    chosen = next((use.value for use in given.uses if isinstance(use.value, NatRange)), None)
    found = local(space, f"{address}_type") if met.step.extension in _OWN else space.everything
    if chosen is not None and chosen.first is not None and chosen.last is not None:
        found &= space.field(address).between(chosen.first, chosen.last)
    if chosen is not None and chosen.first_port is not None and chosen.last_port is not None:
        return found & space.field(port).between(chosen.first_port, chosen.last_port)
    if port == "sport":
        return found & turned(matched.onto(("dport", "proto")))
    return found & space.field(port).between(_LOWEST, 65535)
