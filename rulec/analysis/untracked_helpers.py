"""Connections that would have a helper if they were tracked: what it announces is RELATED no more."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.analysis.narrow import matches_among
from rulec.analysis.untracked import Spot, first_lines
from rulec.analysis.untracked_ends import Ends, in_any_state
from rulec.analysis.untracked_flows import ANSWERED_ON, turned
from rulec.model import Rule
from rulec.model.protocols import TCP, UDP
from rulec.packetset.packetset import PacketSet
from rulec.semantics.paths import PATHS
from rulec.semantics.reach import Reach

GRE = 47

PORTS = {
    "amanda": ((UDP, 10080),),
    "ftp": ((TCP, 21),),
    "h323": ((TCP, 1720), (UDP, 1719)),
    "irc": ((TCP, 6667),),
    "netbios_ns": ((UDP, 137),),
    "pptp": ((TCP, 1723),),
    "sane": ((TCP, 6566),),
    "sip": ((UDP, 5060), (TCP, 5060)),
    "snmp": ((UDP, 161),),
    "tftp": ((UDP, 69),),
}
"""The ports at which each helper listens where no rule gives it (the modules' sources)."""

_ANNOUNCED = {"ftp": (TCP,), "tftp": (UDP,), "pptp": (GRE,), "netbios_ns": (UDP,), "snmp": (UDP,), "irc": (TCP,),
              "amanda": (TCP,), "sane": (TCP,)}  # fmt: skip
"""The protocols of what they announce, where it is one of them only."""

_TO_ALL = ("netbios_ns", "snmp")
"""The helpers of questions to everybody: whoever answers has another address."""

_HIGH = (1024, 65535)
_OTHER_NAMES = {"Q.931": "h323", "RAS": "h323", "snmp_trap": "snmp"}


class Helped(Ends):
    """Asks which connections lose their helper."""

    def given(self) -> Iterator[Spot]:
        """NOTRACK rules in front of rules that give a helper; ``others`` are those, ``detail`` is the helper."""
        return first_lines(spot for path in PATHS for spot in self._given(path))

    def _given(self, path: str) -> Iterator[Spot]:
        for gives in self.walked.meaning.way(path).reaches:
            name = _helper(gives.step.rule)
            if name and gives.is_met:
                for rule in filter(self.asks.asks, self.asks.rules(path)):
                    packets = matches_among(gives, self._begun(rule, path))
                    yield from self._losing(rule, packets, path, name, (gives.step.line,))

    def by_port(self, names: tuple[str, ...]) -> Iterator[Spot]:
        """NOTRACK rules for the ports of some helpers, and the rules that ask for these by name."""
        asked = dict(self._asked_for())
        wanted = dict.fromkeys((*names, *asked))
        given = {spot.line for spot in self.given()} if wanted else set()
        for spot in first_lines(spot for path in PATHS for name in wanted for spot in self._by_port(path, name)):
            if spot.line not in given:
                yield spot._replace(others=asked.get(spot.detail, ()))

    def _asked_for(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """The helpers by which rules ask for packets, and the lines of these."""
        for way in self.walked.meaning.ways:
            for reach in way.reaches:
                if reach.is_met:
                    yield from ((name, (reach.step.line,)) for name in asked_by(reach.step.rule))

    def _by_port(self, path: str, name: str) -> Iterator[Spot]:
        for rule in filter(self.asks.asks, self.asks.rules(path)):
            begun = self._begun(rule, path)
            for protocol, port in PORTS.get(name, ()):
                packets = begun & self.asks.protocol(protocol) & self.space.field("dport").equals(port)
                yield from self._losing(rule, packets, path, name, ())

    def _begun(self, rule: Reach, path: str) -> PacketSet:
        """The first packets of connections that a rule leaves untracked, requests to everybody included."""
        loopback = self.asks.interface("iif" if path == "input" else "oif", "lo")
        return self.asks.untracks(rule) & self.asks.begins & self.walked.possible[path] - loopback

    def _losing(self, rule: Reach, packets: PacketSet, path: str, name: str, others: tuple[int, ...]) -> Iterator[Spot]:
        if packets.is_empty():
            return
        packets = self.asks.some_that_may_pass(path, packets)
        if any(not self._lost(packets, path, way, name).is_empty() for way in {path, ANSWERED_ON[path]}):
            yield self.asks.named(rule, packets, path, *others, detail=name)

    def _lost(self, packets: PacketSet, path: str, way: str, name: str) -> PacketSet:
        """What may pass if the helper announces it, and does not surely pass else, either way between the two ends."""
        hosts = packets.onto(_hosts(path, name in _TO_ALL))
        both = hosts if way == path else self.space.nothing
        both |= turned(hosts) if way == ANSWERED_ON[path] else self.space.nothing
        data = self.on(way, self._announced(name) & both)
        if data.is_empty():
            return data
        related = in_any_state(self.asks.may_pass(way, self.in_state(data, "RELATED")))
        return related - in_any_state(self.asks.surely_accepted(way, self.in_state(data, "NEW")))

    def _announced(self, name: str) -> PacketSet:
        """The first packets of what a helper may announce."""
        high = self.space.field("dport").between(*_HIGH) & self.space.field("sport").between(*_HIGH)
        protocols = _ANNOUNCED.get(name, (TCP, UDP))
        wanted = self.space.union(self.asks.protocol(number) for number in protocols)
        return in_any_state(self.asks.begins) & wanted & (high | self.asks.protocol(GRE))


def _hosts(path: str, to_all: bool) -> tuple[str, ...]:
    """The fields that tell between which hosts something goes; only that of this host where all may answer."""
    ends = {"input": ("src", "iif", "src_type"), "output": ("dst", "oif", "dst_type")}.get(path, ())
    own = {"input": ("dst", "dst_type"), "output": ("src", "src_type")}.get(path, ("src", "dst"))
    return own if to_all else (*own, *ends)


def asked_by(rule: Rule) -> Iterator[str]:
    """The helpers by whose name a rule asks for what they expect."""
    match = rule.match("helper")
    return (plain(use.value) for use in match.uses if not use.negated) if match is not None else iter(())


def plain(name: str) -> str:
    """A helper by the name of its module: ``-m helper`` and ``CT --helper`` know some by others."""
    name = name.partition("-")[0] if name.rpartition("-")[2].isdigit() else name
    return _OTHER_NAMES.get(name, name.replace("-", "_"))


def _helper(rule: Rule) -> str:
    target = rule.target
    if target is None or not target.extends or target.name != "CT":
        return ""
    return next((plain(use.value) for use in target.uses if use.option == "--helper"), "")
