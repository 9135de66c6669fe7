"""Connections that SYNPROXY should answer: of them the SYN is untracked, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.analysis.narrow import matches_among
from rulec.analysis.untracked import Spot, first_lines
from rulec.analysis.untracked_ends import Ends, answers, flow, in_any_state
from rulec.analysis.untracked_flows import ANSWERED_ON
from rulec.model.protocols import TCP
from rulec.packetset.packetset import PacketSet
from rulec.semantics.reach import Reach

_BASE = ("INPUT", "FORWARD")


class Proxies(Ends):
    """Asks what SYNPROXY gets."""

    def broken(self) -> Iterator[Spot]:
        """What keeps SYNPROXY from its work.

        ``detail`` is "whole" where a NOTRACK rule takes more of the requests than their
        SYN, "answers" where it takes what the server sends, "passed by" where rules
        accept each SYN before, untracked, and "unheard" where OUTPUT refuses the SYN+ACK:
        the rules that do so are the ``others`` then.
        """
        return first_lines(spot for path in ("input", "forward") for spot in self._broken(path))

    def _broken(self, path: str) -> Iterator[Spot]:
        for reach in self.walked.meaning.way(path).reaches:
            if reach.step.extension == "SYNPROXY":
                syns = matches_among(reach, self._syns(path))
                if not syns.is_empty():
                    yield from self._taken(reach, path, syns)
                    yield from self._unheard(reach, path, syns)
                elif reach.step.chain in _BASE:
                    yield from self._passed_by(reach, path)

    def _syns(self, path: str) -> PacketSet:
        return self.on(path, self.asks.begins & self.asks.protocol(TCP))

    def _taken(self, proxy: Reach, path: str, syns: PacketSet) -> Iterator[Spot]:
        """The NOTRACK rules that take other packets of these connections."""
        for detail, way, packets in (("whole", path, flow(syns, path)), ("answers", *self._back(syns, path))):
            for rule in self.asks.rules(way):
                is_one = self.asks.asks(rule) if detail == "whole" else self.asks.answers(rule)
                taken = self.asks.of(rule, way) & self.asks.goes_on & packets
                if is_one and not taken.is_empty():
                    yield self.asks.named(rule, taken, way, proxy.step.line, detail=detail)

    def _back(self, syns: PacketSet, path: str) -> tuple[str, PacketSet]:
        return ANSWERED_ON[path], answers(syns, path)

    def _unheard(self, proxy: Reach, path: str, syns: PacketSet) -> Iterator[Spot]:
        """Whether the SYN+ACK is refused that answers an untracked SYN: it has nothing attached, and is INVALID."""
        sent = answers(syns & self.asks.untracked(path), path) & self.flagged("SYN", "ACK") & self.asks.fresh
        lost = self.refused("output", self.in_state(self.tracked("output", self.sent(sent)), "INVALID"))
        known = self.sent(in_any_state(lost) & self.walked.state("ESTABLISHED") - self.space.flag("first"))
        if not self.asks.surely_accepted("output", known).is_empty():
            drops = tuple(drop.step.line for drop, _ in self.dropping("output", lost))
            yield Spot(proxy.step.line, drops[:1], "unheard", self.walked.witness(lost, "output"))

    def _passed_by(self, proxy: Reach, path: str) -> Iterator[Spot]:
        """The rules that accept the untracked SYNs which SYNPROXY asks for."""
        wanted = self.walked.matched(proxy) & self.asks.untracked(path) & self._syns(path)
        passed = wanted if wanted.is_empty() else self.asks.surely_accepted(path, wanted)
        if not passed.is_empty():
            lines = tuple(self._accepting(path, passed))
            yield Spot(proxy.step.line, lines[:3], "passed by", self.walked.witness(passed, path))

    def _accepting(self, path: str, packets: PacketSet) -> Iterator[int]:
        for reach in self.walked.meaning.way(path).reaches:
            accepts = reach.step.verdict == "ACCEPT" and reach.step.table == "filter"
            if accepts and not matches_among(reach, packets).is_empty():
                yield reach.step.line
