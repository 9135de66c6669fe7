"""The flows that are to be had without tracking, and what of them the edited ruleset would lose.

What the ruleset admits to this host is carried over as it stands; what this host or
others ask through it, where an entry of the policy is about it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import product
from typing import NamedTuple

from rulec.analysis.flows import FLOW, TUPLE, Pair, without_interfaces
from rulec.analysis.untracked_flows import ANSWERED_ON, inner, turned
from rulec.catalogue.values.addresses import Addressed
from rulec.compiler.bounds import ALL, Bounds, as_network, of_leg, together
from rulec.compiler.emit import Draft
from rulec.compiler.flows import UNSEEN, Followed, Met
from rulec.compiler.job import bounds_of
from rulec.compiler.legs import Leg, flows, tuples
from rulec.compiler.outcome import Added, Declined
from rulec.compiler.stateless_peers import asked_for, narrowed
from rulec.compiler.stateless_text import Edits, edited
from rulec.model import Family, Match, Use
from rulec.model.protocols import NAMES, TCP
from rulec.packetset.believable import sample
from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Space
from rulec.policy import Entry, Policy
from rulec.policy.model import AddressRange
from rulec.semantics.paths import NEVER_VALID, PATHS
from rulec.semantics.place import Memory
from rulec.semantics.ruleset import Prepared
from rulec.syntax.ruleset import Ruleset

_OF_ONE_SIDE = ("mac", "has_mac", "mark", "uid", "gid", "has_socket", "physin", "physout", "bridged")


class Admitted(NamedTuple):
    """Flows that begin by one rule: what that asks, which they are, and the entry of the policy that lists them.

    ``met`` is the rule with the jumps to it, None for the policy of a base chain.
    """

    path: str
    bounds: Bounds
    begun: PacketSet
    met: Met | None
    entry: Entry | None

    def over_loopback(self, side: str, negated: bool = False) -> Admitted:
        """The same, as they come in by the loopback, or leave by it; or do not."""
        ends = (*(end for end in self.bounds.ends if end[0] in ("src", "dst")), (side, negated, "lo"))
        return self._replace(bounds=self.bounds._replace(ends=ends))

    @property
    def name(self) -> str:
        """What people call them."""
        if self.entry is not None:
            return self.entry.name
        protocol, ports = self.bounds.protocol, self.bounds.dports
        word = "all" if protocol is None else NAMES.get(protocol, str(protocol))
        listed = ",".join(str(low) if low == high else f"{low}-{high}" for low, high in ports)
        return word if ports == ALL else f"{word}/{listed}"


class Work:
    """A compilation under way: the old ruleset, the edits so far, and what both do to packets of the flows."""

    def __init__(self, ruleset: Ruleset, policy: Policy, space: Space, replaced: dict[int, tuple[str, ...]]) -> None:
        prepared = Prepared(ruleset)
        self.ruleset = ruleset
        self.policy = policy
        self.space = space
        self.family = ruleset.family
        self.pair = Pair(prepared, prepared, space)
        self._memory = Memory()
        self.edits = Edits(replaced, [])
        self.used: set[tuple[object, ...]] = set()
        """Lines that have rules for packets of certain flows in their place."""
        self.old = self._followed(prepared)
        self.edit(self.edits)

    def edit(self, edits: Edits) -> None:
        """From now on the draft has these edits."""
        self.edits = edits
        self.draft: Draft = edited(self.ruleset, edits)
        self.now = self._followed(Prepared(self.draft.ruleset))

    def add(self, added: list[Added]) -> bool:
        """Put in rules that are not there yet; tells whether there were any."""
        known = {(each.line, rule) for each in self.edits.added for rule in each.rules}
        new = []
        for each in added:
            rules = tuple(rule for rule in dict.fromkeys(each.rules) if (each.line, rule) not in known)
            new += [each._replace(rules=rules)] if rules else []
        if new:
            self.edit(self.edits._replace(added=[*self.edits.added, *new]))
        return bool(new)

    def _followed(self, prepared: Prepared) -> Followed:
        wanted = {path: self._wanted(path) for path in PATHS}
        return Followed(prepared, self.space, self._memory, wanted)

    def _wanted(self, path: str) -> PacketSet:
        def make() -> PacketSet:
            kinds = (self.opening(path), self.later(path, False), self.later(path, True), self.related(path))
            return self.space.union((*kinds, self.settled(path), self.invalid(path), self.resets(path)))

        found: PacketSet = self.space.once(("stateless", path), make)
        return found

    # ── kinds of packets ──

    def opening(self, path: str) -> PacketSet:
        """First packets of flows."""
        return self.pair.opening & self.pair.usual(path)

    def later(self, path: str, reply: bool) -> PacketSet:
        """Packets of known connections, of one direction."""
        return self.pair.later(reply) & self.pair.valid & self.pair.usual(path) - self.pair.syn

    def related(self, path: str) -> PacketSet:
        """Errors about known connections."""
        rewritten = self.space.flag("snat") | self.space.flag("dnat") | self.space.flag("first")
        kind = self.pair.errors & self.pair.state("RELATED") & self.pair.prior("nothing") & self.pair.whole
        return kind & self.pair.usual(path) - rewritten

    def resets(self, path: str) -> PacketSet:
        """The resets by which REJECT answers."""
        rewritten = self.space.flag("snat") | self.space.flag("dnat") | self.space.flag("first")
        kind = self.pair.resets & self.pair.state("RELATED") & self.pair.prior("nothing") & self.pair.whole
        return kind & self.pair.usual("output") - rewritten if path == "output" else self.space.nothing

    def settled(self, path: str) -> PacketSet:
        """Packets that the old ruleset leaves untracked, or the kernel by nature."""
        untracked = self.pair.old.untracked(path) if self.pair.old.tracks else self.space.nothing
        return untracked & self.pair.usual(path) & self.pair.whole & self.pair.prior("nothing")

    def invalid(self, path: str) -> PacketSet:
        """The kinds of ICMPv6 that are always INVALID."""
        kind = self.pair.icmp(NEVER_VALID) if self.family is Family.IPV6 else self.space.nothing
        return kind & self.pair.stray & self.pair.state("INVALID") & self.pair.usual(path)

    # ── flows ──

    @cached_property
    def admitted(self) -> tuple[Admitted, ...]:
        """All flows that are to be kept, the listed ones first."""
        listed = [each for leg in self._legs for each in self._listed(leg)]
        return (*listed, *self._on_path("input", self.opening("input"), Bounds(), None))

    @cached_property
    def unsent(self) -> PacketSet:
        """First packets to this host itself that it does not let out."""
        first = self.opening("output") & self.pair.on("oif", "lo")
        return first - self.old.passing("output", first)

    @cached_property
    def refused(self) -> tuple[Admitted, ...]:
        """The flows that REJECT answers, by each such rule."""
        return tuple(found for path in ("input", "forward") for found in self._refused(path))

    def _refused(self, path: str) -> Iterator[Admitted]:
        for met in self.old.met(path):
            hit = met.among(met.drops, self.opening(path)) if met.step.extension == "REJECT" else self.space.nothing
            if not hit.is_empty():
                asked = asked_for(self.old, met, self.opening(path) - self._looped)
                answered = hit | self.old.passing(path, asked)
                bounds = bounds_of(*met.stack, met.step)._replace(rest=())
                bounds = narrowed(bounds, asked, answered & asked, self.family)
                begun = hit.possibly().onto(FLOW)
                yield Admitted(path, bounds, begun - (self._looped - self._sent_to_itself), met, None)

    @cached_property
    def _legs(self) -> tuple[Leg, ...]:
        found = (flow.request for flow in flows(self.policy, self.family))
        return tuple(leg for leg in found if not (leg.turned or leg.looped))

    def _listed(self, leg: Leg) -> Iterator[Admitted]:
        packets = tuples(leg, self.space) - (self._looped if leg.path == "output" else self.space.nothing)
        if leg.entry.interface is not None and leg.path != "output":
            names = self.space.fields["iif"].names
            assert names is not None
            packets &= self.space.field("iif").equals(names.number(leg.entry.interface))
        for bounds in _addressed(leg):
            yield from self._on_path(leg.path, self.opening(leg.path) & packets, bounds, leg.entry)

    def _on_path(self, path: str, first: PacketSet, asked: Bounds, entry: Entry | None) -> Iterator[Admitted]:
        """What the rules of the filter table let begin, and its policy.

        What comes over the loopback goes by what lets it leave as well, where that is filtered.
        """
        if path != "input" or self.unsent.is_empty():
            yield from self._by_rules(path, first, asked, entry)
            return
        yield from self._by_rules(path, first - self._looped, asked, entry)
        looped = first & self._looped
        leaving = self.opening("output") & self._looped & looped.possibly().onto(TUPLE)
        for sent in self._by_rules("output", leaving, asked, None):
            ends = tuple(end for end in sent.bounds.ends if end[0] in ("src", "dst"))
            arriving = looped & sent.begun.onto(TUPLE)
            yield from self._by_rules(path, arriving, sent.bounds._replace(ends=ends), entry)

    def _by_rules(self, path: str, first: PacketSet, asked: Bounds, entry: Entry | None) -> Iterator[Admitted]:
        passing = self.old.passing(path, first)
        for met in self.old.met(path):
            if met.step.table == "filter" and met.meets(met.accepts, passing):
                bounds = together(bounds_of(*met.stack, met.step), asked)._replace(rest=())
                yield self._by(path, bounds, met, first, met.among(met.accepts, passing), entry)
        for end in self.old.ends(path):
            left = passing & end.arrives
            if end.hook.table == "filter" and end.policy != "DROP" and not left.is_empty():
                yield self._by(path, asked, None, first, left, entry)

    def _by(
        self, path: str, bounds: Bounds, met: Met | None, first: PacketSet, begun: PacketSet, entry: Entry | None
    ) -> Admitted:
        """The flows that begin by one rule, and by a policy."""
        asked = asked_for(self.old, met, first - self._looped)
        whole = narrowed(bounds, asked, self.old.passing(path, asked), self.family)
        return Admitted(path, whole, begun.possibly().onto(FLOW), met, entry)

    # ── what is needed, and lost ──

    def needed(self, flow: Admitted, way: str, reply: bool) -> PacketSet:
        """Packets of flows that the old ruleset lets through as those of known connections."""
        begun, lo = flow.begun, self.pair.on("iif", "lo")
        if reply and way == flow.path == "input":
            begun = turned((begun & lo & self._sent_to_itself).without((*_OF_ONE_SIDE, "iif", "oif"))) & lo
        elif way != flow.path and not reply:
            sent = (begun & lo & self._sent_to_itself).without((*_OF_ONE_SIDE, "iif", "oif"))
            begun = sent & self.pair.on("oif", "lo")
        elif reply:
            begun = turned(begun.without(_OF_ONE_SIDE))
        return self.old.passing(way, self.later(way, reply) & begun)

    def is_looped(self, flow: Admitted) -> bool:
        """Whether flows come over the loopback alone."""
        return (flow.begun - self.pair.on("iif", "lo")).is_empty()

    def kept_from_itself(self, flow: Admitted) -> Admitted:
        """The same; not over the loopback, where what looks like the answers was not let out to this host itself."""
        names_interface = any(side == "in" for side, _, _ in flow.bounds.ends)
        answers = turned(flow.begun.onto(("proto", "sport", "dport")))
        may = names_interface or flow.begun.meets(self.pair.on("iif", "lo")) or not self.unsent.meets(answers)
        return flow if may else flow.over_loopback("in", negated=True)

    @cached_property
    def _sent_to_itself(self) -> PacketSet:
        """Flows that the host may begin with itself, as far as what leaves goes."""
        sent = self.old.passing("output", self.opening("output") & self.pair.on("oif", "lo"))
        return sent.possibly().onto(TUPLE)

    def errors_about(self, flow: Admitted, way: str, answers: bool) -> PacketSet:
        """The errors about one direction of flows that the old ruleset lets through."""
        flows_ = without_interfaces(flow.begun - self._looped)
        about = inner((turned(flows_) if answers else flows_).without(("src_type", "dst_type")))
        return self.old.passing(way, self.related(way) & about)

    @cached_property
    def _looped(self) -> PacketSet:
        return self.pair.on("iif", "lo") | self.pair.on("oif", "lo")

    def lost(self, way: str, needed: PacketSet) -> PacketSet:
        """Those that the draft does not let through."""
        return needed - self.now.passing(way, needed)

    def strange(self, flow: Admitted, packets: PacketSet) -> PacketSet:
        """Those of some packets with which no flow may begin; TCP aside, where these are told by their flags."""
        first = self.old.passing(flow.path, self.opening(flow.path)).without(UNSEEN)
        return packets - first.possibly() - self.space.field("proto").equals(TCP)

    def witness(self, packets: PacketSet) -> str:
        """One of some packets."""
        return str(sample(packets.possibly()) or "")

    def place(self, way: str, packets: PacketSet, used: Callable[[int], bool]) -> Place:
        """Where rules for lost packets are to stand: for the last rule in front of what drops them that was taken out.

        Where it is in a chain to which nothing leads any more, for the jump to that; where ``used`` says that rules
        stand there already, for the one behind; and else in front of what drops them.
        """
        drop = next((met for met in self.now.met(way) if met.meets(met.drops, packets)), None)
        for met in reversed(list(self._until(way, drop))):
            lines = {step.line for step in (*met.stack, met.step)} & self.edits.taken_out
            if met.step.line in lines and met.meets(met.hit, packets):
                left = {line for line in lines if not used(line)}
                for found in self._to(way, met):
                    if found.step.line in left:
                        return Place(found, found.step.line, is_taken_out=True)
        if drop is None:
            raise Declined("packets of known connections would be lost", 0, "", self.witness(packets))
        return Place(drop, self.draft.origin(drop.step.line), is_taken_out=False)

    def _until(self, way: str, drop: Met | None) -> Iterator[Met]:
        """The rules of the old ruleset, in the table in which packets are dropped, up to what drops them."""
        table = "filter" if drop is None else drop.step.table
        line = 0 if drop is None else self.draft.origin(drop.step.line)
        lines = [] if drop is None else [self.draft.origin(step.line) for step in drop.stack]
        for met in self.old.met(way):
            if met.step.line == line and [step.line for step in met.stack] == lines:
                return
            if met.step.table == table:
                yield met

    def _to(self, way: str, wanted: Met) -> Iterator[Met]:
        """The jumps to a rule, the first one first, and the rule."""
        for depth, step in enumerate((*wanted.stack, wanted.step)):
            for met in self.old.met(way):
                if met.step == step and met.stack == wanted.stack[:depth] and met.hook == wanted.hook:
                    yield met
                    break


class Place(NamedTuple):
    """A rule, taken out or dropping packets, and the line of the old ruleset where it stands."""

    met: Met
    line: int
    is_taken_out: bool


def answered_on(flow: Admitted) -> tuple[str, ...]:
    """The ways of the answers; those over the loopback come in again."""
    other = ANSWERED_ON[flow.path]
    return (other, "input") if flow.path == "input" else (other,)


def asked_on(flow: Admitted) -> tuple[str, ...]:
    """The ways of what is asked; what comes in over the loopback has left before."""
    return ("input", "output") if flow.path == "input" else (flow.path,)


def error_ways(flow: Admitted) -> Iterator[tuple[str, bool]]:
    """The ways of errors, and whether they are about answers; about TCP that comes in the host sends resets instead."""
    is_tcp = flow.bounds.protocol == TCP
    if flow.path == "forward":
        yield from product(("forward", "output"), (False, True))
    elif flow.path == "output":
        yield "input", False
        if not is_tcp:
            yield "output", True
    else:
        yield "input", True
        if not is_tcp:
            yield "output", False


def bare(packets: PacketSet) -> PacketSet:
    """Packets, whatever tracking knows of them."""
    return packets.without(UNSEEN)


def _addressed(leg: Leg) -> Iterator[Bounds]:
    """What a leg asks, once for each pair of addresses."""
    bounds = of_leg(leg)._replace(ends=())
    if leg.entry.interface is not None and leg.path != "output":
        bounds = bounds._replace(ends=(("in", False, leg.entry.interface),))
    for source, destination in product(*(each or (None,) for each in leg.addresses)):
        yield _with_address(_with_address(bounds, "src", source), "dst", destination)


def _with_address(bounds: Bounds, side: str, addresses: AddressRange | None) -> Bounds:
    if addresses is None:
        return bounds
    network = as_network(addresses)
    if network is not None:
        return bounds._replace(ends=(*bounds.ends, (side, False, network)))
    match = Match("iprange", (Use(f"--{side}-range", False, Addressed(addresses.family, addresses[1:])),))
    return bounds._replace(others=(*bounds.others, match))
