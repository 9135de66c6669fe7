"""The ways of a packet through the host: which tables it meets, in the order of the hooks.

The order of the tables at a hook is that of their priorities (linux/netfilter_ipv4.h):
raw -300, connection tracking -200, mangle -150, nat of destinations -100,
filter 0, security 50, nat of sources 100.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple, Protocol

from rulec.catalogue.extension import Given
from rulec.model import Family
from rulec.model.protocols import ICMP, ICMPV6, NEVER_TRACKED
from rulec.packetset.fields import ADDRESS_TYPES, PRIORS, STATES, TRACKED_STATES
from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Space
from rulec.packetset.vector import Vector
from rulec.semantics import nat
from rulec.semantics.alive import Alive, Gate, GateForSome, Sieve
from rulec.semantics.effects import BLANK_CONNECTION
from rulec.semantics.place import Hook, Place, Values
from rulec.semantics.plain import Setting
from rulec.semantics.program import Program
from rulec.semantics.reach import PolicyReach, Reach
from rulec.semantics.walk import Walk

PATHS = ("input", "forward", "output")
"""Packets for this host, through it, and from it."""

_TABLES = {
    "PREROUTING": ("raw", "mangle", "nat"),
    "INPUT": ("mangle", "filter", "security", "nat"),
    "FORWARD": ("mangle", "filter", "security"),
    "OUTPUT": ("raw", "mangle", "nat", "filter", "security"),
    "POSTROUTING": ("mangle", "nat"),
}
NEVER_VALID = (137, 153)
"""The ICMPv6 types that are always INVALID: redirect, and one without use (measured)."""

NO_NEXT_HEADER = 59
"""The protocol of an IPv6 packet that holds nothing: invalid, as is the ICMP of the other family (measured)."""

_SENT_ANEW = {
    Family.IPV4: {"mangle": ("src", "dst", "mark", "tos"), "nat": ("dst",)},
    Family.IPV6: {"mangle": ("src", "dst", "mark", "tos", "ttl"), "nat": ("dst",)},
}
"""The tables in OUTPUT that send a packet its way once more, and the fields in which it must have changed for that.

iptable_mangle.c, ip6table_mangle.c, nft_chain_route.c, nf_nat_proto.c; measured.
"""

_LARGEST_DIFFERENCE = 1000
"""Nodes beyond which what a field was before is forgotten: a mark may come from any bit of the connection's."""

_LOCAL = ("LOCAL", "BROADCAST", "ANYCAST", "MULTICAST")
_NOT_FORWARDED = ("LOCAL", "BROADCAST", "BLACKHOLE", "UNREACHABLE", "PROHIBIT", "THROW")


class Way(NamedTuple):
    """A way through the host, walked.

    ``enters`` are the packets that take it, ``alive`` those of them that come
    to its end, ``values`` what they are there; ``guesses`` are all packets together
    with what NAT can make of them, within which the others are meant.  ``reaches`` lists the rules that
    were met, in the order of the hooks, ``policies`` the base chains that were left.
    """

    path: str
    enters: PacketSet
    alive: Alive
    values: Values
    guesses: PacketSet
    trail: Trail

    @property
    def reaches(self) -> tuple[Reach, ...]:
        """The rules that were met."""
        return self.trail.reaches

    @property
    def policies(self) -> tuple[PolicyReach, ...]:
        """The base chains that were left."""
        return self.trail.policies

    @property
    def accepted(self) -> PacketSet:
        """The packets that come to its end."""
        return self.alive.exact


class Walked(Gate, Protocol):
    """A table that was walked: which rules were met, who came to its end, and what the packets are behind it."""

    policy: PolicyReach
    values: Values

    @property
    def reaches(self) -> list[Reach]:
        """The rules that were met."""


class Trail:
    """The tables that were walked so far; which rules were met is found out when somebody asks."""

    def __init__(self, walks: tuple[Walked, ...] = ()) -> None:
        self._walks = walks

    @cached_property
    def reaches(self) -> tuple[Reach, ...]:
        """The rules that were met, in the order of the hooks."""
        return tuple(reach for walk in self._walks for reach in walk.reaches)

    @property
    def policies(self) -> tuple[PolicyReach, ...]:
        """The base chains that were left."""
        return tuple(walk.policy for walk in self._walks)

    def within(self, table: str) -> Iterator[Walked]:
        """The walks through a table."""
        return (walk for walk in self._walks if walk.policy.hook.table == table)

    def and_then(self, walk: Walked) -> Trail:
        """The same, and one more."""
        return Trail((*self._walks, walk))


class Passage(NamedTuple):
    """Packets on their way: those that are still there, what they have become, and what they met.

    ``moved`` are those that were sent their way once more, since a table changed them.
    """

    alive: Alive
    values: Values
    guesses: PacketSet
    moved: PacketSet
    trail: Trail = Trail()


class Host:
    """One ruleset, and the ways of packets through it."""

    def __init__(self, setting: Setting, programs: dict[str, Program]) -> None:
        self.setting = setting
        self.programs = programs
        targets = (step.extension for program in programs.values() for step in program.steps())
        self._kinds = nat.kinds(targets)

    def ways(self, within: PacketSet | None = None) -> Iterator[Way]:
        """Input, forward and output; what both arriving packets have in common is walked once.

        With packets ``within`` which all is meant, no others come to the host.
        """
        arriving = self._arriving(within)
        arrived = self._through("arriving", "PREROUTING", arriving)
        for path, hooks in (("input", ("INPUT",)), ("forward", ("FORWARD", "POSTROUTING"))):
            yield self._way(path, arriving.alive.exact, self._routed(path, arrived), hooks)
        leaving = self._leaving(within)
        yield self._way("output", leaving.alive.exact, leaving, ("OUTPUT", "POSTROUTING"))

    def _way(self, path: str, enters: PacketSet, passage: Passage, hooks: tuple[str, ...]) -> Way:
        for hook in hooks:
            if (path, hook) == ("output", "POSTROUTING"):
                passage = self._rerouted(passage)
            passage = self._through(path, hook, passage)
        return Way(path, enters, passage.alive, passage.values, passage.guesses, passage.trail)

    # ── one hook ──

    def _through(self, path: str, hook: str, passage: Passage) -> Passage:
        for table in _TABLES[hook]:
            at, before = Hook(path, hook, table), passage.values
            passage = self._nat(at, passage) if table == "nat" else self._table(at, passage)
            if hook == "OUTPUT":
                passage = passage._replace(moved=passage.moved | self._moved(table, before, passage.values))
            if table == "raw":
                passage = self._tracked(at, passage)
        return passage

    def _table(self, hook: Hook, passage: Passage) -> Passage:
        walk = self._walk(hook, passage.alive, passage.values)
        if walk is None:
            return passage
        return passage._replace(
            alive=passage.alive.behind(walk), values=walk.values, trail=passage.trail.and_then(walk)
        )

    def _walk(self, hook: Hook, alive: Alive, values: Values) -> Walked | None:
        """A table walked at a hook; None where there is none."""
        program = self.programs.get(hook.table)
        if program is None or hook.name not in program:
            return None
        walk = Walk(self.setting, program, hook)
        walk.run(alive, values)
        return walk

    def _nat(self, hook: Hook, passage: Passage) -> Passage:
        """The rules are asked for the first packet of a connection; later ones are rewritten as that was."""
        place = self._place(hook, passage.values)
        asked = nat.asked(place)
        walk = self._walk(hook, passage.alive.behind(Sieve(asked)), passage.values)
        alive, values, guesses, trail = passage.alive, passage.values, passage.guesses, passage.trail
        if walk is not None:
            alive, values, trail = alive.behind(GateForSome(asked, walk)), walk.values, trail.and_then(walk)
            rewritings = list(self._rewritings(hook, walk.reaches))
            if rewritings:
                made, ruleset = self._made(hook, place, rewritings)
                values = values.changed(nat.rewritten(place, rewritings, ruleset))
                alive, guesses = alive.behind(Sieve(made)), guesses & made
        if any(self._kinds):
            values = values.changed(nat.translated(self._place(hook, values), self._kinds))
        return passage._replace(alive=alive, values=values, guesses=guesses, trail=trail)

    def _rewritings(self, hook: Hook, reaches: Iterable[Reach]) -> Iterator[nat.Rewriting]:
        for reach in reaches:
            target = reach.step.rule.target
            if reach.is_met and target is not None and reach.step.extension in nat.TARGETS:
                given, place = Given(self.setting.family, target.uses), self._place(hook, reach.values)
                yield nat.Rewriting(reach.matches, target.name, given, place)

    def _made(self, hook: Hook, place: Place, rewritings: list[nat.Rewriting]) -> tuple[PacketSet, str]:
        """What NAT makes of packets, and the name of the ruleset whose guesses say so.

        Where another ruleset does the same to the same packets the guesses are
        the same too, and the two can be compared.
        """
        made = nat.outcomes(rewritings, place, "")
        if self.setting.memory.rewritten.setdefault((hook.path, hook.name), made) == made:
            return made, ""
        return nat.outcomes(rewritings, place, self.setting.name), self.setting.name

    # ── between the hooks ──

    def _arriving(self, within: PacketSet | None) -> Passage:
        """Packets from a wire have nothing attached; those on the loopback come as they left."""
        place = self._place(Hook("arriving", "PREROUTING", "raw"), Values({}))
        loopback = self._interface("iif", "lo")
        alive = ~self._interface("iif", "") & (loopback | self._prior("nothing")) & ~(loopback & place.flag("has_mac"))
        return self._begin(alive if within is None else alive & within, place)

    def _leaving(self, within: PacketSet | None) -> Passage:
        """What the kernel itself sends about a packet has the connection of that packet attached."""
        place = self._place(Hook("output", "OUTPUT", "raw"), Values({}))
        about = self._prior("connection") & place.in_state("RELATED", "INVALID")
        alive = ~self._interface("oif", "") & (about | self._prior("nothing"))
        return self._begin(alive if within is None else alive & within, place)

    def _begin(self, alive: PacketSet, place: Place) -> Passage:
        """Before connection tracking has looked at it, a packet is INVALID, save for what it has brought with it."""
        space = self.setting.space
        fresh = self._prior("nothing")
        bits = len(space.field("ctstate")) + 1
        state = self._state("INVALID", bits).where(fresh, self._known_state())
        state = self._state("UNTRACKED", bits).where(self._prior("untracked"), state)
        attached = Vector(space, ((~fresh).function,))
        values = Values({"state": state, "attached": attached})
        return Passage(
            Alive(alive & _possible(space) - (self._stray(place) - _invalid(space))),
            values.changed(self._tuples(place)),
            space.everything,
            space.nothing,
        )

    def _stray(self, place: Place) -> PacketSet:
        """The packets that connection tracking finds to be of no connection, whatever else they are."""
        if self.setting.family is Family.IPV4:
            return place.protocol(ICMPV6)
        return place.protocol(ICMP, NO_NEXT_HEADER) | self._fresh_icmp(place, NEVER_VALID)

    def _fresh_icmp(self, place: Place, types: Iterable[int]) -> PacketSet:
        """ICMPv6 of some types that comes with nothing attached."""
        return place.protocol(ICMPV6) & self._prior("nothing") & place.field("icmp_type").among(types)

    def _tracked(self, hook: Hook, passage: Passage) -> Passage:
        """Connection tracking looks at every packet that is not untracked, and finds the connection that it is of."""
        place = self._place(hook, passage.values)
        state = place.field("state")
        untracked = place.in_state("UNTRACKED")
        seen = self._known_state()
        if self.setting.family is Family.IPV6:
            never = self._fresh_icmp(place, NEVER_TRACKED)
            seen = self._state("UNTRACKED", len(state)).where(never, seen)
        found = {name: self.setting.space.field(name) for name in BLANK_CONNECTION if name in self.setting.space.fields}
        found.update(self._tuples(self._place(hook, Values({}))))
        changes = {name: found[name] for name in found if name in passage.values}
        return passage._replace(values=passage.values.changed({**changes, "state": state.where(untracked, seen)}))

    def _routed(self, path: str, passage: Passage) -> Passage:
        """What is for this host has an address of it, and what is not has none.

        A packet that is forwarded has lost a hop before the hook FORWARD, and one
        that has none to lose does not get there (ip_forward.c, ip6_output.c).
        """
        place = self._place(Hook(path, "PREROUTING", "nat"), passage.values)
        kind, hops = place.field("dst_type"), place.field("ttl")
        if path == "input":
            local = kind.among(map(ADDRESS_TYPES.index, _LOCAL))
            return passage._replace(alive=passage.alive.behind(Sieve(local)))
        sent_on = hops.between(2, 255) - kind.among(map(ADDRESS_TYPES.index, _NOT_FORWARDED))
        sent_on = sent_on - self._interface("oif", "") - self._interface("iif", "lo")
        return passage._replace(
            alive=passage.alive.behind(Sieve(sent_on)), values=passage.values.changed({"ttl": hops.lowered(1)})
        )

    def _moved(self, table: str, before: Values, after: Values) -> PacketSet:
        """The packets in which a table has changed what decides on their way."""
        space, found = self.setting.space, self.setting.space.nothing
        for name in _SENT_ANEW[self.setting.family].get(table, ()):
            if before.get(name) != after.get(name):
                one, other = (values.get(name) or space.field(name) for values in (before, after))
                found |= _differing(name, one, other)
        return found

    def _rerouted(self, passage: Passage) -> Passage:
        """A packet that changed in OUTPUT is sent its way once more, and may leave by another interface.

        The rest of OUTPUT still sees the old one (ip_route_me_harder; measured).
        """
        if passage.moved.is_empty():
            return passage
        oif = self.setting.space.field("oif")
        place = self._place(Hook("output", "POSTROUTING", "mangle"), passage.values)
        new = place.unknown_number("route", len(oif)).where(passage.moved, oif)
        return passage._replace(values=passage.values.changed({"oif": new}))

    def _tuples(self, place: Place) -> dict[str, Vector]:
        """A connection is known by the packet's own addresses and ports, from its side; an ICMP error is not.

        Of other protocols the ports are 0, or something else: of ICMP the identifier
        (nf_conntrack_tuple.h), of DCCP its ports where the kernel tracks it.
        """
        reply = place.flag("ctdir")
        error = nat.is_error(place)
        ported = place.protocol(*nat.KNOWN_BY_PORTS)
        values = {}
        for prefix, packets in (("orig", ~reply - error), ("repl", reply - error)):
            for field in ("src", "dst", "sport", "dport"):
                known = self.setting.space.field(f"{prefix}_{field}")
                own = packets & ported if field.endswith("port") else packets
                values[f"{prefix}_{field}"] = place.field(field).where(own, known)
        opening = place.flag("first") - reply - error
        for field, opposite in (("src", "dst"), ("dst", "src"), ("sport", "dport"), ("dport", "sport")):
            own = opening & ported if field.endswith("port") else opening
            values[f"repl_{field}"] = place.field(opposite).where(own, values[f"repl_{field}"])
        values["orig_proto"] = place.field("proto").where(~error, self.setting.space.field("orig_proto"))
        return values

    # ── words ──

    def _place(self, hook: Hook, values: Values) -> Place:
        setting = self.setting
        return Place(setting.space, setting.family, hook, values, setting.memory)

    def _interface(self, field: str, name: str) -> PacketSet:
        names = self.setting.space.fields[field].names
        assert names is not None
        return self.setting.space.field(field).equals(names.number(name))

    def _prior(self, name: str) -> PacketSet:
        number = PRIORS.index(name)
        return self.setting.space.field("prior").between(number, 3 if number == len(PRIORS) - 1 else number)

    def _known_state(self) -> Vector:
        return self.setting.space.constant(1, 0).joined(self.setting.space.field("ctstate"))

    def _state(self, name: str, bits: int) -> Vector:
        return self.setting.space.constant(bits, STATES.index(name))


def _differing(name: str, one: Vector, other: Vector) -> PacketSet:
    """The packets in which two values of a field differ, or more where that is hard to say."""
    space: Space = one.space
    bits = [PacketSet(space, bit) for bit in one.xored(other).bits]
    found = space.nothing
    for bit in bits:
        found |= bit
        if found.function.node_count() > _LARGEST_DIFFERENCE:
            return space.union(bit.without((name,)) for bit in bits)
    return found


def _possible(space: Space) -> PacketSet:
    """The packets that there can be: a new connection is seen from its own side, and only a known one is rewritten."""
    new, established = (space.field("ctstate").equals(TRACKED_STATES.index(name)) for name in ("NEW", "ESTABLISHED"))
    rewritten = space.flag("snat") | space.flag("dnat")
    return ~((new & space.flag("ctdir")) | (established & space.flag("first")) | (_invalid(space) & rewritten))


def _invalid(space: Space) -> PacketSet:
    return space.field("ctstate").equals(TRACKED_STATES.index("INVALID"))
