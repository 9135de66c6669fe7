"""The ways of a packet through the host: which tables it meets, in the order of the hooks.

The order of the tables at a hook is that of their priorities (linux/netfilter_ipv4.h):
raw -300, connection tracking -200, mangle -150, nat of destinations -100,
filter 0, security 50, nat of sources 100.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rulec.catalogue.extension import Given
from rulec.model import Family
from rulec.model.protocols import ICMP, ICMPV6, SCTP, TCP, UDP, UDPLITE
from rulec.packetset.fields import ADDRESS_TYPES, PRIORS, STATES, TRACKED_STATES
from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Space
from rulec.packetset.vector import Vector
from rulec.semantics import nat
from rulec.semantics.effects import BLANK_CONNECTION
from rulec.semantics.place import Hook, Place, Values
from rulec.semantics.program import Program
from rulec.semantics.walk import PolicyReach, Reach, Setting, Walk

PATHS = ("input", "forward", "output")
"""Packets for this host, through it, and from it."""

_TABLES = {
    "PREROUTING": ("raw", "mangle", "nat"),
    "INPUT": ("mangle", "filter", "security", "nat"),
    "FORWARD": ("mangle", "filter", "security"),
    "OUTPUT": ("raw", "mangle", "nat", "filter", "security"),
    "POSTROUTING": ("mangle", "nat"),
}
_NEVER_TRACKED = (*range(130, 137), 143, 151, 152)
"""The ICMPv6 types of neighbour and multicast discovery (measured on Linux 6.18)."""

_NEVER_VALID = (137, 153)

NO_NEXT_HEADER = 59
"""The protocol of an IPv6 packet that holds nothing: invalid, as is the ICMP of the other family (measured)."""

_LOCAL = ("LOCAL", "BROADCAST", "ANYCAST", "MULTICAST")
_NOT_FORWARDED = ("LOCAL", "BROADCAST", "BLACKHOLE", "UNREACHABLE", "PROHIBIT", "THROW")


class Way(NamedTuple):
    """A way through the host, walked.

    ``enters`` are the packets that take it, ``accepted`` those of them that come
    to its end, ``values`` what they are there; ``guesses`` are all packets together
    with what NAT can make of them, within which the others are meant.  ``reaches`` lists the rules that
    were met, in the order of the hooks, ``policies`` the base chains that were left.
    """

    path: str
    enters: PacketSet
    accepted: PacketSet
    values: Values
    guesses: PacketSet
    reaches: tuple[Reach, ...]
    policies: tuple[PolicyReach, ...]


class _Trail(NamedTuple):
    """What was met so far."""

    reaches: tuple[Reach, ...] = ()
    policies: tuple[PolicyReach, ...] = ()

    def and_then(self, walk: Walk) -> _Trail:
        return _Trail((*self.reaches, *walk.reaches), (*self.policies, walk.policy))


class Passage(NamedTuple):
    """Packets on their way: those that are still there, what they have become, and what they met."""

    alive: PacketSet
    values: Values
    guesses: PacketSet
    trail: _Trail = _Trail()


class Host:
    """One ruleset, and the ways of packets through it."""

    def __init__(self, setting: Setting, programs: dict[str, Program]) -> None:
        self.setting = setting
        self.programs = programs
        targets = (step.extension for program in programs.values() for step in program.steps())
        self._kinds = nat.kinds(targets)

    def ways(self) -> Iterator[Way]:
        """Input, forward and output; what both arriving packets have in common is walked once."""
        arriving = self._arriving()
        arrived = self._through("arriving", "PREROUTING", arriving)
        for path, hooks in (("input", ("INPUT",)), ("forward", ("FORWARD", "POSTROUTING"))):
            yield self._way(path, arriving.alive, self._routed(path, arrived), hooks)
        leaving = self._leaving()
        yield self._way("output", leaving.alive, leaving, ("OUTPUT", "POSTROUTING"))

    def _way(self, path: str, enters: PacketSet, passage: Passage, hooks: tuple[str, ...]) -> Way:
        for hook in hooks:
            if (path, hook) == ("output", "POSTROUTING"):
                passage = self._rerouted(passage)
            passage = self._through(path, hook, passage)
        return Way(path, enters, passage.alive, passage.values, passage.guesses, *passage.trail)

    # ── one hook ──

    def _through(self, path: str, hook: str, passage: Passage) -> Passage:
        for table in _TABLES[hook]:
            at = Hook(path, hook, table)
            passage = self._nat(at, passage) if table == "nat" else self._table(at, passage)
            if table == "raw":
                passage = self._tracked(at, passage)
        return passage

    def _table(self, hook: Hook, passage: Passage) -> Passage:
        program = self.programs.get(hook.table)
        if program is None or hook.name not in program:
            return passage
        walk = Walk(self.setting, program, hook)
        accepted, values = walk.run(passage.alive, passage.values)
        return passage._replace(alive=accepted, values=values, trail=passage.trail.and_then(walk))

    def _nat(self, hook: Hook, passage: Passage) -> Passage:
        """The rules are asked for the first packet of a connection; later ones are rewritten as that was."""
        place = self._place(hook, passage.values)
        asked = nat.asked(place)
        first = self._table(hook, passage._replace(alive=passage.alive & asked))
        together = first.alive | (passage.alive - asked)
        values, made = first.values, self.setting.space.everything
        rewritings = list(self._rewritings(hook, first.trail.reaches[len(passage.trail.reaches) :]))
        if rewritings:
            made, ruleset = self._made(hook, place, rewritings)
            values = values.changed(nat.rewritten(place, rewritings, ruleset))
        if any(self._kinds):
            values = values.changed(nat.translated(self._place(hook, values), self._kinds))
        return first._replace(alive=together & made, values=values, guesses=passage.guesses & made)

    def _rewritings(self, hook: Hook, reaches: tuple[Reach, ...]) -> Iterator[nat.Rewriting]:
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

    def _arriving(self) -> Passage:
        """Packets from a wire have nothing attached; those on the loopback come as they left."""
        place = self._place(Hook("arriving", "PREROUTING", "raw"), Values({}))
        loopback = self._interface("iif", "lo")
        alive = ~self._interface("iif", "") & (loopback | self._prior("nothing")) & ~(loopback & place.flag("has_mac"))
        return self._begin(alive, place)

    def _leaving(self) -> Passage:
        """What the kernel itself sends about a packet has the connection of that packet attached."""
        place = self._place(Hook("output", "OUTPUT", "raw"), Values({}))
        about = self._prior("connection") & place.in_state("RELATED", "INVALID")
        return self._begin(~self._interface("oif", "") & (about | self._prior("nothing")), place)

    def _begin(self, alive: PacketSet, place: Place) -> Passage:
        """Before connection tracking has looked at it, a packet is INVALID, save for what it has brought with it."""
        space = self.setting.space
        fresh = self._prior("nothing")
        bits = len(space.field("ctstate")) + 1
        state = self._state("INVALID", bits).where(fresh, self._known_state())
        state = self._state("UNTRACKED", bits).where(self._prior("untracked"), state)
        attached = Vector(space, ((~fresh).function,))
        values = Values({"state": state, "attached": attached})
        return Passage(alive & _possible(space), values.changed(self._tuples(place)), space.everything)

    def _tracked(self, hook: Hook, passage: Passage) -> Passage:
        """Connection tracking looks at every packet that is not untracked, and finds the connection that it is of."""
        place = self._place(hook, passage.values)
        state = place.field("state")
        untracked = place.in_state("UNTRACKED")
        stray = place.protocol(ICMP, NO_NEXT_HEADER) if self.setting.family is Family.IPV6 else place.protocol(ICMPV6)
        seen = self._state("INVALID", len(state)).where(stray, self._known_state())
        if self.setting.family is Family.IPV6:
            icmp, kind = place.protocol(ICMPV6) & self._prior("nothing"), place.field("icmp_type")
            seen = self._state("UNTRACKED", len(state)).where(icmp & kind.among(_NEVER_TRACKED), seen)
            seen = self._state("INVALID", len(state)).where(icmp & kind.among(_NEVER_VALID), seen)
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
            return passage._replace(alive=passage.alive & kind.among(map(ADDRESS_TYPES.index, _LOCAL)))
        forwarded = passage.alive & hops.between(2, 255) - kind.among(map(ADDRESS_TYPES.index, _NOT_FORWARDED))
        forwarded = forwarded - self._interface("oif", "") - self._interface("iif", "lo")
        return passage._replace(alive=forwarded, values=passage.values.changed({"ttl": hops.lowered(1)}))

    def _rerouted(self, passage: Passage) -> Passage:
        """A packet that changed in OUTPUT is sent its way once more, and may leave by another interface.

        The rest of OUTPUT still sees the old one (ip_route_me_harder; measured).
        """
        space, values = self.setting.space, passage.values
        moved = space.everything if {"src", "dst"} & values.keys() else space.nothing
        for name in {"mark", "tos"} & values.keys():
            moved |= ~values[name].same_as(space.field(name))
        if moved.is_empty():
            return passage
        oif, place = space.field("oif"), self._place(Hook("output", "POSTROUTING", "mangle"), values)
        return passage._replace(
            values=values.changed({"oif": place.unknown_number("route", len(oif)).where(moved, oif)})
        )

    def _tuples(self, place: Place) -> dict[str, Vector]:
        """A connection is known by the packet's own addresses and ports, from its side; an ICMP error is not.

        Of other protocols the ports are 0, or something else: of ICMP the identifier
        (nf_conntrack_tuple.h), of DCCP its ports where the kernel tracks it.
        """
        reply = place.flag("ctdir")
        error = nat.is_error(place)
        ported = place.protocol(TCP, UDP, UDPLITE, SCTP)
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


def _possible(space: Space) -> PacketSet:
    """The packets that there can be: a new connection is seen from its own side, and only a known one is rewritten."""
    new, established, invalid = (
        space.field("ctstate").equals(TRACKED_STATES.index(name)) for name in ("NEW", "ESTABLISHED", "INVALID")
    )
    rewritten = space.flag("snat") | space.flag("dnat")
    return ~((new & space.flag("ctdir")) | (established & space.flag("first")) | (invalid & rewritten))
