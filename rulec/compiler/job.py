"""A compilation under way: the old ruleset and the draft of the new one, and how hot flows fare in both."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from rulec.analysis.flows import FLOW, is_of_flows, without_interfaces
from rulec.analysis.untracked_flows import inner, turned
from rulec.analysis.witness import fewer
from rulec.compiler.bounds import Bounds, of_rule, together
from rulec.compiler.emit import Draft, applied
from rulec.compiler.flows import (
    Followed,
    Met,
    bare,
    bare_untracked,
    established,
    followed,
    invalid,
    new,
    related,
    tracked,
    untracked,
)
from rulec.compiler.legs import Flow, Leg, flows, local, on, packets, returning, tuples
from rulec.compiler.others import Others
from rulec.compiler.outcome import Declined, Plan
from rulec.model import BASE_CHAINS, Family, Rule
from rulec.model.protocols import ICMP, ICMPV6, LATER_FLAGS, NEEDED_ERRORS, TCP
from rulec.packetset.believable import sample
from rulec.packetset.fields import ADDRESS_TYPES, FLAGS
from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Space
from rulec.policy import Entry, Policy
from rulec.semantics.effects import CONTINUES
from rulec.semantics.place import Memory
from rulec.semantics.program import Step
from rulec.semantics.ruleset import Prepared

_KINDS = ("src_type", "dst_type")


class Part(NamedTuple):
    """The packets of a leg on one way."""

    path: str
    packets: PacketSet


class Case(NamedTuple):
    """A kind of hot flow: its packets that are to be untracked and were not, and the flows that begin."""

    flow: Flow
    requests: tuple[Part, ...]
    answers: tuple[Part, ...]
    begun: PacketSet

    @property
    def entry(self) -> Entry:
        """What the policy says of it."""
        return self.flow.request.entry

    @property
    def is_tcp(self) -> bool:
        """Whether its first packets can be told from the others."""
        return self.flow.request.protocol == TCP


class Job:
    """One compilation, in one space."""

    def __init__(self, start: Draft, policy: Policy, space: Space, unguarded: frozenset[str]) -> None:
        self.space = space
        self.policy = policy
        self.unguarded = unguarded
        self.family = start.ruleset.family
        self.notes: list[str] = []
        self.start = self.draft = start
        self._memory = Memory()
        self._added: set[tuple[int, tuple[Rule, ...]]] = set()
        self._flows = list(flows(policy, self.family))
        self._first = Prepared(start.ruleset)
        self.old = self.now = self._followed(self._first)

    def change(self, plan: Plan) -> None:
        """Do what a plan says, and follow the packets anew."""
        self.draft = applied(self.draft, plan)
        self.now = self._followed(Prepared(self.draft.ruleset))

    def _followed(self, prepared: Prepared) -> Followed:
        wanted = {path: self._wanted(path) for path in ("input", "forward", "output")}
        return Followed(prepared, self.space, self._memory, wanted)

    def _wanted(self, path: str) -> PacketSet:
        """The packets of all flows that are seen on a way, and the errors about them."""
        space = self.space

        def make() -> PacketSet:
            legs = [leg.anywhere() for flow in self._flows for leg in flow]
            found = [part.packets & self._states(leg) for leg in legs for part in self.parts(leg) if part.path == path]
            if path == "output":
                known = invalid(space) | established(space, reply=True)
                found += [self.resets_of(leg) & known for leg in legs if leg.path == "forward"]
            errors = [self.errors(leg) for leg in legs if path in error_paths(leg)]
            return space.union([*found, space.union(errors) & (related(space) | invalid(space))]) & followed(space)

        found: PacketSet = space.once(("wanted", path), make)
        return found

    def _states(self, leg: Leg) -> PacketSet:
        """In which states its packets are followed: what begins, goes on, or is untracked."""
        space, reply = self.space, not leg.opens
        first = invalid(space) | (new(space) & self.opening) if reply else new(space)
        return first | established(space, reply) | (untracked(space) & bare_untracked(space))

    def parts(self, leg: Leg) -> list[Part]:
        """The packets of a leg, on each way that they take."""
        found = [Part(leg.path, packets(leg, self.space))]
        return [*found, Part("input", returning(leg, self.space))] if leg.looped else found

    @cached_property
    def others(self) -> Others:
        """What else the old ruleset leaves untracked."""
        return Others(
            self.old,
            self.space.union(part.packets for flow in self._flows for leg in flow for part in self.parts(leg)),
        )

    # ── the flows ──

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        """The flows that begin, and of which any packet is tracked."""
        return tuple(case for case in self.all_cases if not self._is_settled(case))

    @cached_property
    def all_cases(self) -> tuple[Case, ...]:
        """All flows of the policy."""
        return tuple(map(self._case, self._flows))

    @cached_property
    def idle(self) -> tuple[Flow, ...]:
        """The flows that the ruleset does not let begin."""
        return tuple(case.flow for case in self.all_cases if case.begun.is_empty())

    def is_untracked(self, flow: Flow) -> bool:
        """Whether the old ruleset leaves the requests of a flow untracked."""
        return any(self.old.already(part.path).meets(part.packets) for part in self.parts(flow.request))

    def _is_settled(self, case: Case) -> bool:
        touched = [part for part in (*case.requests, *case.answers) if not part.packets.is_empty()]
        return case.begun.is_empty() or not touched

    def _case(self, flow: Flow) -> Case:
        found: Case = self.space.once(("case", flow[0][1:], flow.request.entry.name), lambda: self._made(flow))
        return found

    def _made(self, flow: Flow) -> Case:
        requests, answers = (tuple(map(self._touched, self.parts(leg))) for leg in flow)
        begun = self.from_one
        for part in self.parts(flow.request):
            passing = self.old.passing(part.path, part.packets & self.whole & self.opening & new(self.space))
            begun &= self.as_flows(passing if len(requests) == 1 else bare(passing).without(("iif", "oif")))
        return Case(flow, requests, answers, begun)

    @property
    def from_one(self) -> PacketSet:
        """Packets of which the source is an address of one host: others do not arrive (ip_route_input_slow)."""
        names = ("UNICAST", "LOCAL") if self.family is Family.IPV4 else ("UNICAST", "LOCAL", "ANYCAST")
        found = self.space.field("src_type").among(map(ADDRESS_TYPES.index, names))
        first, bits = (0xE, 4) if self.family is Family.IPV4 else (0xFF, 8)
        left = self.family.bits - bits
        return found - self.space.field("src").masked(first << left, (1 << bits) - 1 << left)

    def _touched(self, part: Part) -> Part:
        """Those that the old ruleset does not leave untracked already."""
        already = self.old.already(part.path)
        return part._replace(packets=part.packets & self.whole - bare(already & part.packets))

    def as_flows(self, passing: PacketSet) -> PacketSet:
        """The flows that some first packets begin; what is asked of a memory or of other packets may be otherwise."""
        keys = self.space.unknown_keys().items()
        places = [answer.function.node_var() for key, answer in keys if not is_of_flows(key)]
        flows = PacketSet(self.space, passing.function.exists(self.space.variables(places)))
        return flows.without(self.space.fields.keys() - frozenset(FLOW))

    def of_answers(self, begun: PacketSet) -> PacketSet:
        """The answers of some flows; what only one of their ends knows may be anything."""
        return turned(begun.without(("mac", "has_mac", "mark", "uid", "gid", "has_socket", "physin", "physout")))

    @cached_property
    def resets(self) -> bool:
        """Whether any rule answers TCP packets by a reset."""
        return any(_resets(step) for program in self._first.programs.values() for step in program.steps())

    @cached_property
    def resets_forwarded(self) -> bool:
        """Whether packets on their way through may be answered so, as if by whom they were for."""
        program = self._first.programs.get("filter")
        chains = program.reached_from(["FORWARD"]) if program is not None and "FORWARD" in program else ()
        return program is not None and any(_resets(step) for name in chains for step in program.chains[name].steps)

    def resets_of(self, leg: Leg) -> PacketSet:
        """The resets by which this host answers for who is asked, itself or a server behind it, as they leave."""
        space, is_routed = self.space, leg.path == "forward"
        if leg.protocol != TCP or leg.looped or not (self.resets_forwarded if is_routed else self.resets):
            return space.nothing
        resets = self.later & space.field("tcp_flags").masked(FLAGS["RST"], FLAGS["RST"])
        own = local(space, "src_type")
        if is_routed:
            return tuples(leg, space) & resets - on(space, "oif", "lo") - own
        return space.nothing if leg.opens or leg.path == "input" else packets(leg, space) & resets & own

    # ── kinds of packets ──

    @cached_property
    def whole(self) -> PacketSet:
        """Packets that are no fragments."""
        return ~(self.space.flag("later_fragment") | self.space.flag("more_fragments"))

    @cached_property
    def opening(self) -> PacketSet:
        """Packets with which flows begin: of TCP those with SYN alone."""
        return self._tcp_with((FLAGS["SYN"],))

    @cached_property
    def later(self) -> PacketSet:
        """Packets that belong to a known connection by what they are; of other protocols than TCP all."""
        return self._tcp_with(LATER_FLAGS)

    def _tcp_with(self, kinds: tuple[int, ...]) -> PacketSet:
        mask = 0xFF ^ (FLAGS["PSH"] | FLAGS["ECE"] | FLAGS["CWR"])
        flags = self.space.field("tcp_flags")
        of_tcp = self.space.union(flags.masked(number, mask) for number in kinds)
        return of_tcp | ~self.space.field("proto").equals(TCP)

    def errors(self, leg: Leg) -> PacketSet:
        """The ICMP errors about packets of a leg."""
        about = inner(tuples(leg, self.space).without(("icmp_type",)))
        number = ICMP if self.family is Family.IPV4 else ICMPV6
        types = self.space.field("icmp_type").among(NEEDED_ERRORS[self.family])
        headers = self.space.union(self.space.flag(f"has_{name}") for name in ("hop", "dst", "route", "frag", "auth"))
        return about & self.space.field("proto").equals(number) & types & self.whole - headers

    # ── what is lost ──

    def lost(self, path: str, needed: PacketSet, packets: PacketSet) -> PacketSet:
        """Those of some packets that are needed, and do not come through the draft."""
        if needed.is_empty():
            return needed
        return needed - bare(self.now.passing(path, packets))

    def needed_later(self, case: Case, part: Part, reply: bool) -> PacketSet:
        """What the old ruleset lets through of known connections, of flows that begin."""
        states = established(self.space, reply)
        passing = bare(self.old.passing(part.path, part.packets & self.later & states))
        return passing & (self.of_answers(case.begun) if reply else case.begun)

    def needed_errors(self, case: Case, leg: Leg, path: str) -> PacketSet:
        """The errors that the old ruleset lets through as RELATED."""
        begun = case.begun if leg.opens else self.of_answers(case.begun)
        errors = self.errors(leg) & inner(without_interfaces(begun).without(_KINDS))
        return bare(self.old.passing(path, errors & related(self.space)))

    # ── words ──

    def is_new(self, line: int, rules: tuple[Rule, ...]) -> bool:
        """Whether these rules were not put in front of that line already; from now on they are."""
        known = (line, rules) in self._added
        self._added.add((line, rules))
        return not known

    def origin(self, met: Met) -> int:
        """The line of the first ruleset that a rule comes from."""
        return self.draft.origin(met.step.line)

    def tell(self, text: str) -> None:
        """Put down what a user should know, once."""
        if text not in self.notes:
            self.notes.append(text)

    def told(self, entry: Entry, what: str) -> str:
        """The comment above new rules."""
        line = self.policy.source.position(entry.span("name").start)[0]
        place = f"{os.path.basename(self.policy.source.name)}:{line}"
        return f"{entry.name} ({place}): {what}" if what else f"{entry.name} ({place})"

    def witness(self, packets: PacketSet) -> str:
        """One of some packets."""
        tame = packets.possibly() & tracked(self.space)
        chosen = packets.possibly() if tame.is_empty() else tame
        return str(sample(fewer(chosen, any_protocol=True)) or "")


def error_paths(leg: Leg) -> tuple[str, ...]:
    """The ways of errors about packets of a leg: what is received is answered, what is sent is complained of."""
    if leg.looped:
        return ()
    if leg.path == "input" and leg.protocol == TCP:
        return ()  # the host answers by a reset
    return {"input": ("output",), "output": ("input",), "forward": ("forward", "output")}[leg.path]


def bounds_of(*steps: Step) -> Bounds:
    """What some rules ask of flows, all together; Declined at the one that cannot be put together with the others."""
    found = Bounds()
    for step in steps:
        try:
            found = together(found, of_rule(step.rule))
        except Declined as declined:
            raise Declined(str(declined), declined.line or step.line, declined.hint) from None
    return found


_COUNTING = CONTINUES | {"SET", "NFQUEUE"}


def counts(step: Step) -> bool:
    """Whether a rule counts packets, remembers them, or tells a program of them."""
    return step.has_memory or step.extension in _COUNTING or step.verdict == "QUEUE"


def in_own_chain(met: Met, host: Followed) -> Step:
    """The rule, or the one from which packets are sent to it, in a chain that packets of one hook alone come to."""
    program = host.prepared.programs[met.step.table]
    ways: list[Step] = [met.step, *reversed(met.stack)]
    for step in ways:
        callers = [name for name in BASE_CHAINS if name in program and step.chain in program.reached_from([name])]
        if callers == [met.hook.name]:
            return step
    return ways[-1]


def _resets(step: Step) -> bool:
    target = step.rule.target
    return target is not None and any(use.value == "tcp-reset" for use in target.uses)


class Opens(NamedTuple):
    """How flows begin: the rule of the filter table that accepts their first packets, None for a policy."""

    met: Met | None
    bounds: Bounds


def openings(job: Job, case: Case, host: Followed, first: PacketSet) -> Iterator[Opens]:
    """The rules of the filter table that accept some first packets, and what they and the jumps to them ask."""
    left, path = first, case.requests[-1].path
    for met in host.met(path):
        if met.step.table == "filter" and met.meets(met.accepts, first):
            left = left - met.among(met.accepts, left)
            yield Opens(met, bounds_of(*met.stack, met.step)._replace(rest=()))
    if ends_well(host, path, left):
        yield Opens(None, Bounds())


def lost_to_policy(job: Job, path: str, text: str, packets: PacketSet) -> Declined:
    """A refusal of packets that would be lost, at the chain whose policy drops them, if one does."""
    for end in job.now.ends(path):
        if end.policy == "DROP" and packets.meets(end.arrives):
            chain = job.now.prepared.programs[end.hook.table].chains[end.hook.name]
            hint = f"let a rule of {chain.name} in the table {end.hook.table} accept what is UNTRACKED, too"
            return Declined(text, job.draft.origin(chain.line), hint, job.witness(packets))
    return Declined(text, 0, "", job.witness(packets))


def ends_well(host: Followed, path: str, packets: PacketSet) -> bool:
    """Whether any packets come to the end of the filter table and are accepted by its policy."""
    ends = (end for end in host.ends(path) if end.hook.table == "filter" and end.policy != "DROP")
    return any(packets.meets(end.arrives) for end in ends)
