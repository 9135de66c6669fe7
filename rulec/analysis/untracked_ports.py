"""Hot ports from which this host may begin connections of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rulec.analysis.untracked import Spot, by_line
from rulec.analysis.untracked_ends import Ends, answers
from rulec.packetset.packetset import PacketSet
from rulec.semantics.reach import Reach


class OwnPorts(Ends):
    """Asks what becomes of connections that begin from a hot port."""

    def hot(self, ranges: Iterable[tuple[int, int]]) -> Iterator[Spot]:
        """NOTRACK rules for what comes to a server here, at ports that own connections may come to have.

        ``detail`` is "fails" where the answers to these are refused, and "works" where they pass.
        """
        dport = self.space.field("dport")
        own = self.space.union(dport.between(*ports) for ports in ranges)
        return by_line(spot for rule in self.asks.rules("input") for spot in self._hot(rule, own))

    def _hot(self, rule: Reach, own: PacketSet) -> Iterator[Spot]:
        if not self.asks.asks(rule) or self.asks.answers(rule):
            return
        packets = self.asks.of(rule, "input") & own
        served = packets if packets.is_empty() else self._served(packets)
        begun = served if served.is_empty() else self._begun(served)
        if not begun.is_empty():
            lost = self._lost(packets, begun)
            shown = begun if lost.is_empty() else lost
            witness = self.walked.witness(shown, "output" if lost.is_empty() else "input")
            yield Spot(rule.step.line, (), "works" if lost.is_empty() else "fails", witness)

    def _served(self, packets: PacketSet) -> PacketSet:
        """The packets to ports at which INPUT lets anybody begin something."""
        new = packets & self.asks.begins
        passing = self.asks.accepted("input", new) | self.asks.some_that_may_pass("input", new)
        return packets & passing.onto(["dst", "dport", "proto"])

    def _begun(self, served: PacketSet) -> PacketSet:
        """Some of the connections from these ports that OUTPUT lets begin, untracked or not."""
        new = self.on("output", answers(served, "input") & self.asks.begins)
        return new if new.is_empty() else self.asks.some_that_may_pass("output", new)

    def _lost(self, packets: PacketSet, begun: PacketSet) -> PacketSet:
        """The answers that are left untracked, and refused for it."""
        back = packets & self.asks.goes_on & answers(begun, "output") & self.space.flag("ctdir")
        return self.asks.lost("input", self.in_state(back, "ESTABLISHED"))
