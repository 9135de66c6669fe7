"""Which packets the raw table leaves untracked, and what would become of them if it did not.

Untracked is what a NOTRACK rule matches, unless something is attached to the
packet already (xt_CT.c, xt_ct_target).  What the same ruleset does without these rules tells what
untracking has changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from rulec.analysis.narrow import matches_among
from rulec.analysis.untracked_instead import Instead
from rulec.analysis.visits import Walked
from rulec.model import Family, Rule
from rulec.model.protocols import ICMP, ICMPV6, TCP
from rulec.packetset.fields import ADDRESS_TYPES, FLAGS, PRIORS
from rulec.packetset.packetset import PacketSet
from rulec.semantics.paths import PATHS
from rulec.semantics.reach import Reach

HANDSHAKE = FLAGS["SYN"] | FLAGS["ACK"] | FLAGS["RST"] | FLAGS["FIN"]

CLIENT_PORTS = (32768, 60999)
"""The ports from which programs of this host ask others (net.ipv4.ip_local_port_range, as it is at first)."""

_LOOPBACK = {Family.IPV4: (0x7F000000, 0xFF000000), Family.IPV6: (1, 2**128 - 1)}
"""The addresses that are never seen on a wire, as address and mask."""

_OFTEN = 2
"""How many questions about packets of all kinds are answered one by one where a table is large."""


class Spot(NamedTuple):
    """A rule of which something is to be said: its line, others that take part, what tells it apart, a packet."""

    line: int
    others: tuple[int, ...] = ()
    detail: str = ""
    witness: str = ""


def is_notrack(rule: Rule) -> bool:
    """Whether the target leaves packets untracked."""
    target = rule.target
    if target is None or not target.extends:
        return False
    return target.name == "NOTRACK" or (target.name == "CT" and any(use.option == "--notrack" for use in target.uses))


class Untracking:
    """What the NOTRACK rules of a ruleset do."""

    def __init__(self, walked: Walked) -> None:
        self.walked = walked
        self.space = walked.space
        self._asked: dict[str, int] = {}

    @classmethod
    def within(cls, walked: Walked) -> Untracking:
        """That of a ruleset, made once."""
        found: Untracking = walked.space.once("untracking", lambda: cls(walked))
        return found

    @cached_property
    def instead(self) -> Instead:
        """The ruleset as if it had no NOTRACK rules."""
        return Instead(self.walked, lambda step: not is_notrack(step.rule))

    # ── rules ──

    def rules(self, path: str) -> list[Reach]:
        """The NOTRACK rules that packets on a way meet."""
        reaches = self.walked.meaning.way(path).reaches
        return self.space.once(("rules", path), lambda: [reach for reach in reaches if is_notrack(reach.step.rule)])

    @cached_property
    def all_rules(self) -> list[Reach]:
        """All of them, each once for each look at it."""
        return list(dict.fromkeys(reach for path in PATHS for reach in self.rules(path)))

    def untracks(self, reach: Reach) -> PacketSet:
        """The packets that a rule leaves untracked, of those to which nothing was attached from elsewhere."""
        return self._once(("untracks", id(reach)), reach) & self.fresh

    def attached(self, reach: Reach) -> PacketSet:
        """The packets to which something is attached before the rule."""
        return self.walked.place(reach).flag("attached")

    def untracked(self, path: str) -> PacketSet:
        """The packets on a way that any rule leaves untracked, between this host and others or between others."""
        return self.space.once(
            ("untracked", path), lambda: self.space.union([self.of(rule, path) for rule in self.rules(path)])
        )

    def flows(self, path: str) -> PacketSet:
        """Those of them that a connection could consist of."""
        return self.space.once(("flows", path), lambda: self.untracked(path) & (self.begins | self.goes_on))

    def _once(self, key: tuple[str, int], reach: Reach) -> PacketSet:
        found: PacketSet = self.space.once(key, lambda: reach.matches - self.attached(reach))
        return found

    # ── what becomes of packets ──

    def accepted(self, path: str, packets: PacketSet) -> PacketSet:
        """Those of some packets that may get to the end of a way."""
        return self._through(path, packets).possibly()

    def surely_accepted(self, path: str, packets: PacketSet) -> PacketSet:
        """Those of some packets that get to the end of a way, whatever is unknown."""
        return self._through(path, packets).surely()

    def _through(self, path: str, packets: PacketSet) -> PacketSet:
        """Those that get through; of flows that a rule leaves untracked that is found out at once."""
        way = self.walked.meaning.way(path)
        if packets.is_empty():
            return packets
        if not packets <= self.flows(path):
            return packets & way.accepted if self._asks_often(path) else way.alive.among(packets)
        return packets & self.space.once(("through", path), lambda: way.alive.among(self.flows(path)))

    def _asks_often(self, path: str) -> bool:
        """Whether so much was asked of a large table that it is worth while to know all that gets through."""
        self._asked[path] = self._asked.get(path, 0) + self.instead.is_large
        return self._asked[path] > _OFTEN

    def refused(self, path: str, packets: PacketSet) -> PacketSet:
        """Some of the packets that do not get there, whatever is unknown, none only where there are none."""
        return self.first(self._refused(path, packets))

    def _refused(self, path: str, packets: PacketSet) -> Iterator[PacketSet]:
        way = self.walked.meaning.way(path)
        if self.instead.is_large and not packets.is_empty():
            yield from (few - way.alive.among(few).possibly() for few in self.instead.few(packets))
        yield packets if packets.is_empty() else packets - way.accepted.possibly()

    def accepted_without(self, path: str, packets: PacketSet) -> PacketSet:
        """Those that would surely get there if nothing were left untracked by a rule."""
        return packets if packets.is_empty() else (packets & self.instead.all(path, packets).way.accepted).surely()

    def may_pass(self, path: str, packets: PacketSet) -> PacketSet:
        """Those that may get there if nothing were left untracked by a rule."""
        return packets if packets.is_empty() else self.instead.all(path, packets).passing

    def some_that_may_pass(self, path: str, packets: PacketSet) -> PacketSet:
        """Some of them, none only where there are none."""
        return self.first(sent.passing for sent in self.instead.pieces(path, packets))

    def some_that_may_not(self, path: str, packets: PacketSet) -> PacketSet:
        """Some of the others, none only where there are none."""
        return self.first(sent.packets - sent.passing for sent in self.instead.pieces(path, packets))

    def first(self, found: Iterable[PacketSet]) -> PacketSet:
        """The first set that is not empty."""
        return next((packets for packets in found if not packets.is_empty()), self.space.nothing)

    def lost(self, path: str, packets: PacketSet) -> PacketSet:
        """Those that would be accepted if they were tracked, and are not."""
        refused = packets if packets.is_empty() else packets - self.accepted(path, packets)
        refused = refused if refused.is_empty() else refused - self._proxied(path, refused)
        return refused if refused.is_empty() else self.accepted_without(path, refused)

    def _proxied(self, path: str, packets: PacketSet) -> PacketSet:
        """Those of some packets that SYNPROXY answers."""
        reaches = (reach for reach in self.walked.meaning.way(path).reaches if reach.step.extension == "SYNPROXY")
        return self.space.union(matches_among(reach, packets) for reach in reaches)

    # ── sets of packets ──

    @cached_property
    def fresh(self) -> PacketSet:
        """The packets that come with nothing attached."""
        return self.space.field("prior").equals(PRIORS.index("nothing"))

    @cached_property
    def unmarked(self) -> PacketSet:
        """Whole packets without marks, which are set on this host, and not rewritten."""
        rewritten = self.space.flag("snat") | self.space.flag("dnat") | self.space.flag("later_fragment")
        return self.space.only({"mark": 0, "connmark": 0}) - rewritten

    @cached_property
    def begins(self) -> PacketSet:
        """The first packets of connections."""
        opening = self.space.field("tcp_flags").masked(FLAGS["SYN"], HANDSHAKE)
        return (opening | ~self.protocol(TCP)) & self.walked.state("NEW") & self.unmarked - self.icmp

    @cached_property
    def goes_on(self) -> PacketSet:
        """Packets that are not the first; of TCP those with ACK and nothing else of the handshake."""
        acknowledging = self.space.field("tcp_flags").masked(FLAGS["ACK"], HANDSHAKE)
        return (acknowledging | ~self.protocol(TCP)) & self.unmarked - self.icmp

    @cached_property
    def icmp(self) -> PacketSet:
        """ICMP, of either family."""
        return self.protocol(ICMP) | self.protocol(ICMPV6)

    def protocol(self, number: int) -> PacketSet:
        """The packets of a protocol."""
        return self.space.field("proto").equals(number)

    def interface(self, field: str, name: str) -> PacketSet:
        """The packets that come in, or leave, by an interface."""
        names = self.space.fields[field].names
        assert names is not None
        return self.space.field(field).equals(names.number(name))

    def ordinary(self, path: str) -> PacketSet:
        """The packets between this host and others, or between others: none of the loopback, none to many.

        Linux drops addresses of the loopback that come from a wire (measured), unless ``route_localnet`` is set.
        """
        loopback = _LOOPBACK[self.walked.prepared.ruleset.family]
        ends = {name: self.space.field(f"{name}_type") for name in ("src", "dst")}
        here = {"input": "dst", "output": "src"}.get(path, "")
        found = ~(self.interface("oif", "lo") if path != "input" else self.interface("iif", "lo"))
        for name, kind in ends.items():
            found -= self.space.field(name).masked(*loopback)
            found &= kind.equals(ADDRESS_TYPES.index("LOCAL" if name == here else "UNICAST"))
        return found - self._back if path == "forward" else found

    @cached_property
    def _back(self) -> PacketSet:
        """The packets that would leave by the interface by which they came."""
        names = self.space.fields["iif"].names
        labels = names.labels if names else ()
        known = [label for label in labels if label and not label.endswith("+")]
        return self.space.union(self.interface("iif", label) & self.interface("oif", label) for label in known)

    def of(self, reach: Reach, path: str) -> PacketSet:
        """The packets on a way that a rule leaves untracked."""
        return self.space.once(("of", path, id(reach)), lambda: self._of(reach, path))

    def _of(self, reach: Reach, path: str) -> PacketSet:
        packets = self.untracks(reach) & self.walked.possible[path] & self.ordinary(path)
        asks, answers = self.asks(reach), self.answers(reach)
        for field in ("sport",) * (path == "output" and not answers) + ("dport",) * (path == "input" and not asks):
            packets &= self.space.field(field).between(*CLIENT_PORTS)
        return packets

    def asks(self, reach: Reach) -> bool:
        """Whether the packets of a rule may be requests: it names the port that they go to, or as little of both."""
        return self._share(reach, "dport") <= self._share(reach, "sport")

    def answers(self, reach: Reach) -> bool:
        """Whether the packets of a rule may be answers."""
        return self._share(reach, "sport") <= self._share(reach, "dport")

    def _share(self, reach: Reach, field: str) -> float:
        packets = self.untracks(reach) & self.goes_on
        found: float = self.space.once(("share", id(reach), field), lambda: packets.onto([field]).size())
        return found

    def named(self, reach: Reach, packets: PacketSet, path: str, *others: int, detail: str = "") -> Spot:
        """A rule, and one of the packets."""
        return Spot(reach.step.line, others, detail, self.walked.witness(packets, path))


def by_line(spots: Iterator[Spot], most: int = 3) -> Iterator[Spot]:
    """One for each line, with the first of those that take part."""
    found: dict[int, Spot] = {}
    for spot in spots:
        known = found.setdefault(spot.line, spot)
        others = dict.fromkeys((*known.others, *spot.others))
        found[spot.line] = known._replace(others=tuple(others)[:most])
    yield from found.values()


def first_lines(spots: Iterator[Spot]) -> Iterator[Spot]:
    """One of each kind for each line and those that take part."""
    seen = set()
    for spot in spots:
        key = (spot.line, spot.others, spot.detail)
        if key not in seen:
            seen.add(key)
            yield spot
