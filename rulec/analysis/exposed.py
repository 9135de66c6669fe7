"""What a ruleset accepts from nearly everywhere: packets that get through all tables to the end of their way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property

from rulec.analysis.dead import MOST_WITNESSES
from rulec.analysis.interfaces import leading_outside, let_in
from rulec.analysis.narrow import matches_among, some_matches
from rulec.analysis.rules import Exposed, OpenPort
from rulec.analysis.visits import Walked
from rulec.catalogue.values.addresses import pairs
from rulec.model import Family, Rule, Use
from rulec.model.protocols import TCP, UDP
from rulec.packetset.believable import sample
from rulec.packetset.fields import ADDRESS_TYPES, FLAGS, STATES
from rulec.packetset.packet import as_set
from rulec.packetset.packetset import PacketSet
from rulec.semantics.paths import Way
from rulec.semantics.reach import Reach

_MOST = {"src": 0.5, "sport": 0.9, "dport": 0.99}
"""What share of all addresses, or ports, is nearly all: a ruleset may leave out some, and still be open."""

_ENDS = ("src", "sport")
_SOURCE_PORTS = frozenset(("--sport", "--sports"))
_STATES = frozenset(("--state", "--ctstate"))
_FLAGS = frozenset(("--syn", "--tcp-flags"))
_LOOPBACK = {Family.IPV4: (0x7F000000, 0xFF000000), Family.IPV6: (1, 2**128 - 1)}
_GLOBAL = {Family.IPV4: (0, 0), Family.IPV6: (0x2 << 124, 0xE << 124)}
"""Where the addresses of the Internet are: address and mask."""


class Exposure:
    """Asks a ruleset what it accepts from others."""

    def __init__(self, walked: Walked) -> None:
        self._walked = walked
        self._family = walked.prepared.ruleset.family
        self._space = walked.space
        self._left = MOST_WITNESSES

    # ── the questions ──

    def source_ports(self) -> Iterator[Exposed]:
        """Rules that accept new connections because of the port from which they come, whatever else they are."""
        for way, reach in self._accepting(_tests_source_port):
            if not self._is_nearly_all(self._walked.matched(reach), "sport"):
                yield from self._open(way, reach, self._begins, ("src", "dport"))

    def flags(self) -> Iterator[Exposed]:
        """Rules that accept any TCP segment but the first of a connection, without asking for a connection."""
        segments = self._protocol(TCP) & self._whole & self._walked.state("NEW") & self._unmarked
        flags = self._space.field("tcp_flags")
        for way, reach in self._accepting(_tests_flags):
            matched = self._walked.matched_of_those_that_matter(reach)
            if not matched.meets(segments & flags.equals(FLAGS["SYN"])):
                yield from self._open(way, reach, segments & flags.equals(FLAGS["ACK"]), ("src", "dport"))

    def invalid(self) -> Iterator[Exposed]:
        """Rules that accept segments of no connection, which begin none either."""
        stray = self._space.field("tcp_flags").equals(FLAGS["FIN"] | FLAGS["ACK"])
        segments = self._protocol(TCP) & stray & self._whole & self._walked.state("INVALID") & self._unmarked
        segments &= self._space.field("dst_type").among(map(ADDRESS_TYPES.index, ("UNICAST", "LOCAL")))
        for way, reach in self._accepting(_asks_for_invalid):
            invalid = self._walked.place(reach).field("state").equals(STATES.index("INVALID"))
            yield from self._open(way, reach, segments & invalid, ("src", "sport", "dport"))

    def loopback(self) -> Iterator[Exposed]:
        """Rules that accept addresses of the loopback on any interface."""
        for way, reach in self._accepting(lambda rule: _names_loopback(rule, self._family)):
            if way.path == "input":
                yield from self._open(way, reach, self._space.everything, ())

    def open_ports(self, ports: tuple[OpenPort, ...]) -> Iterator[Exposed]:
        """What accepts new connections to these ports of this host from nearly everywhere.

        Of a ruleset without any rule for INPUT nothing is said: it leaves that to
        another.  Nor is of a policy that it leaves as it was.
        """
        program = self._walked.programs.get("filter")
        if program is None or "INPUT" not in program or not program.chains["INPUT"].steps:
            return
        opened: dict[tuple[str, int], list[tuple[OpenPort, PacketSet]]] = {}
        accepted = self._way.alive.among(self._begins & self._space.union(map(self._to, ports)))
        for port in ports:
            found = self._open_at(port, accepted)
            opener = None if found is None else self._opened_by(found)
            if opener is not None and found is not None:
                opened.setdefault(opener, []).append((port, found))
        for (chain, line), several in opened.items():
            names = ", ".join(str(port) for port, _ in several)
            yield Exposed(chain, line, names, self._walked.witness(several[0][1], "input"))

    def _open_at(self, port: OpenPort, accepted: PacketSet) -> PacketSet | None:
        """The packets to a port that get in from nearly everywhere, by each of the interfaces that lead outside."""
        found = (accepted & self._to(port)).surely()
        parts = [found & self._from(label) for label in self._labels]
        return parts[0] if all(self._is_open(part, _ENDS) for part in parts) else None

    # ── rules ──

    def _accepting(self, asks: Callable[[Rule], bool]) -> Iterator[tuple[Way, Reach]]:
        """The rules of the table filter that accept packets from others, and ask so."""
        seen: set[int] = set()
        for way in self._walked.meaning.ways[:2]:
            for reach in way.reaches:
                if self._accepts(reach) and reach.step.line not in seen and asks(reach.step.rule):
                    seen.add(reach.step.line)
                    yield way, reach

    def _open(self, way: Way, reach: Reach, packets: PacketSet, fields: tuple[str, ...]) -> Iterator[Exposed]:
        """A rule, where it accepts some packets with nearly any value of some fields."""
        packets &= self._walked.possible[way.path] & self._outside
        if self._is_open(reach.entry.outline & reach.matching & packets, fields):
            found = way.alive.among(matches_among(reach, packets)).surely()
            if self._is_open(found, fields):
                yield self._exposed(way, reach, found)

    def _is_open(self, packets: PacketSet, fields: tuple[str, ...]) -> bool:
        return not packets.is_empty() and all(self._is_nearly_all(packets, field) for field in fields)

    def _opened_by(self, packets: PacketSet) -> tuple[str, int] | None:
        """The chain and line of the rule that lets them in, or of the chain whose policy does.

        One that does so for nearly everybody, or else a rule that lets in one of
        them.  Where a limit or a set might do it as well, it is the last one.
        """
        open_by = {place: takes for place, takes in self._takers(packets) if self._is_open(takes, _ENDS)}
        surely = [place for place, takes in open_by.items() if self._is_open(takes.surely(), _ENDS)]
        chosen = surely[0] if surely else next(reversed(open_by), None) or self._opened_to_one(packets)
        declared = self._walked.declares("filter", "INPUT")
        return chosen if declared or chosen is None or chosen != self._policy_place else None

    def _takers(self, packets: PacketSet) -> Iterator[tuple[tuple[str, int], PacketSet]]:
        """What each rule that might let in nearly everybody accepts of some packets, and then the policy."""
        for reach in self._way.reaches:
            if self._accepts(reach) and self._is_open(reach.entry.outline & reach.matching & packets, _ENDS):
                yield (reach.step.chain, reach.step.line), matches_among(reach, packets)
        (policy,) = (policy for policy in self._way.policies if policy.hook.table == "filter")
        if policy.policy == "ACCEPT":
            yield self._policy_place, policy.alive.among(packets)

    def _opened_to_one(self, packets: PacketSet) -> tuple[str, int]:
        chosen = sample(packets)
        one = packets & as_set(chosen, self._space) if chosen else packets
        for reach in self._way.reaches:
            if self._accepts(reach) and not some_matches(reach, one).is_empty():
                return reach.step.chain, reach.step.line
        return self._policy_place

    @property
    def _policy_place(self) -> tuple[str, int]:
        return "INPUT", self._walked.programs["filter"].chains["INPUT"].line

    def _accepts(self, reach: Reach) -> bool:
        return reach.step.verdict == "ACCEPT" and reach.step.table == "filter" and reach.is_met

    def _exposed(self, way: Way, reach: Reach, found: PacketSet) -> Exposed:
        self._left -= 1
        witness = self._walked.witness(found, way.path) if self._left >= 0 else ""
        return Exposed(reach.step.chain, reach.step.line, "", witness)

    # ── sets of packets ──

    @cached_property
    def _way(self) -> Way:
        return self._walked.meaning.way("input")

    @cached_property
    def _labels(self) -> list[str]:
        names = self._space.fields["iif"].names
        return sorted(leading_outside(names.labels if names else (), self._walked.programs))

    @cached_property
    def _outside(self) -> PacketSet:
        others = ["+"] if let_in(self._walked.programs).issuperset(self._labels) else []
        return self._space.union(map(self._from, [*self._labels, *others]))

    def _from(self, label: str) -> PacketSet:
        """The packets that come by the interfaces of a class; the numbers behind the last name mean that as well."""
        names = self._space.fields["iif"].names
        assert names is not None
        number = names.labels.index(label)
        last = (1 << names.bits) - 1 if number == len(names.labels) - 1 else number
        return self._space.field("iif").between(number, last)

    @cached_property
    def _begins(self) -> PacketSet:
        """The first packets of connections, without marks: these are set on this host."""
        handshake = FLAGS["SYN"] | FLAGS["ACK"] | FLAGS["RST"] | FLAGS["FIN"]
        opening = self._protocol(TCP) & self._space.field("tcp_flags").masked(FLAGS["SYN"], handshake)
        return (opening | self._protocol(UDP)) & self._whole & self._walked.state("NEW") & self._unmarked

    @cached_property
    def _unmarked(self) -> PacketSet:
        return self._space.only({"mark": 0, "connmark": 0})

    @cached_property
    def _whole(self) -> PacketSet:
        return ~self._space.flag("later_fragment")

    def _protocol(self, number: int) -> PacketSet:
        return self._space.field("proto").equals(number)

    def _to(self, port: OpenPort) -> PacketSet:
        number = UDP if port.protocol == "udp" else TCP
        return self._protocol(number) & self._space.field("dport").equals(port.number)

    def _is_nearly_all(self, packets: PacketSet, field: str) -> bool:
        """Whether some of the packets have nearly any value of a field."""
        values = packets.onto([field])
        if field != "src":
            return values.size() >= _MOST[field]
        address, mask = _GLOBAL[self._family]
        everyone = self._space.field("src").masked(address, mask)
        return (values & everyone).size() >= _MOST[field] * everyone.size()


# ── what a rule is about ──


def _options(rule: Rule) -> Iterator[Use]:
    for match in rule.matches:
        yield from match.uses


def _tests_source_port(rule: Rule) -> bool:
    return any(use.option in _SOURCE_PORTS and not use.negated for use in _options(rule))


def _tests_flags(rule: Rule) -> bool:
    return any(use.option in _FLAGS for use in _options(rule))


def _asks_for_invalid(rule: Rule) -> bool:
    return any(use.option in _STATES and "INVALID" in use.value and not use.negated for use in _options(rule))


def _names_loopback(rule: Rule, family: Family) -> bool:
    """Whether it asks for an address of the loopback."""
    network, mask = _LOOPBACK[family]
    ends = (use for use in rule.base if use.option in ("--source", "--destination") and not use.negated)
    return any(
        known & mask == mask and address & mask == network for use in ends for address, known in pairs(use.value)
    )
