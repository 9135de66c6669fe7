"""Fragments that rules for ports refuse, where nothing puts them together before."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from rulec.analysis.narrow import matches_among
from rulec.analysis.untracked import Spot
from rulec.analysis.untracked_ends import Ends
from rulec.model import Family, Rule
from rulec.model.protocols import UDP
from rulec.packetset.packetset import PacketSet
from rulec.semantics.reach import Reach

_SMALL = (67, 68, 123, 137, 138, 546, 547, 1900, *range(33434, 33535))
"""Ports of services whose datagrams fit into any packet: DHCP, NTP, NetBIOS names, SSDP, traceroute."""

_DIFFERS = ("sport", "dport", "length", "later_fragment", "more_fragments", "has_frag", "frag_id", "frag_reserved")
"""What tells the later fragments of a datagram from the whole."""

_MOST = 3


class Fragments(Ends):
    """Asks what becomes of datagrams that came in pieces."""

    def lost(self) -> Iterator[Spot]:
        """Rules that accept datagrams by port, one each way on which the later fragments are refused.

        What is for this host has been put together by then in IPv4, and not in IPv6 (measured).
        ``detail`` is the way.
        """
        ways = ("forward",) if self.walked.prepared.ruleset.family is Family.IPV4 else ("input", "forward")
        for path in ways:
            spots = islice(self._all_lost(path), _MOST)
            first = next(spots, None)
            if first is not None:
                yield first._replace(others=tuple(spot.line for spot in spots))

    def _all_lost(self, path: str) -> Iterator[Spot]:
        whole = self._whole(path)
        for reach in self.walked.meaning.way(path).reaches:
            yield from self._lost(reach, path, whole)

    def _lost(self, reach: Reach, path: str, whole: PacketSet) -> Iterator[Spot]:
        accepts = reach.step.verdict == "ACCEPT" and reach.step.table == "filter"
        if accepts and _asks_for_ports(reach.step.rule) and reach.is_met:
            tails = self._tails(matches_among(reach, whole), path)
            lost = tails if tails.is_empty() else tails - self.asks.accepted(path, tails)
            if not lost.is_empty():
                yield Spot(reach.step.line, (), path, self.walked.witness(lost, path))

    def _whole(self, path: str) -> PacketSet:
        ports = (self.space.field(field).among(_SMALL) for field in ("sport", "dport"))
        return self.on(path, self.asks.protocol(UDP)) - self.space.union(ports)

    def _tails(self, whole: PacketSet, path: str) -> PacketSet:
        """The later fragments of the same datagrams."""
        later = self.space.flag("later_fragment")
        if self.walked.prepared.ruleset.family is Family.IPV6:
            later &= self.space.flag("has_frag")
        return whole.possibly().without(_DIFFERS) & later & self.walked.possible[path]


def _asks_for_ports(rule: Rule) -> bool:
    return any("port" in use.option for match in rule.matches for use in match.uses)
