"""Packets that connection tracking finds INVALID, since it has not seen what they answer."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.analysis.narrow import matches_among
from rulec.analysis.untracked import Spot, by_line
from rulec.analysis.untracked_ends import Ends, answers, flow, in_any_state
from rulec.analysis.untracked_flows import ANSWERED_ON
from rulec.model import Rule
from rulec.model.protocols import TCP
from rulec.packetset.fields import PRIORS
from rulec.packetset.packetset import PacketSet
from rulec.semantics.paths import PATHS
from rulec.semantics.reach import Reach

_ALL = 1 << 16


class Invalid(Ends):
    """Asks where such packets are dropped."""

    # ── the direction that is tracked ──

    def dropped(self) -> Iterator[Spot]:
        """Rules that drop what is INVALID, and meet the tracked direction of flows; ``others`` leave the other one so.

        ``detail`` is the role of the host, "syn" where nothing but the first packet is untracked.
        """
        rules = ((rule, path) for path in PATHS for rule in self.asks.rules(path))
        return by_line((spot for rule, path in rules for spot in self._dropped(rule, path)), _ALL)

    def _dropped(self, rule: Reach, path: str) -> Iterator[Spot]:
        back = ANSWERED_ON[path]
        packets = self._tracked_direction(rule, path) if any(self.drops(back)) else self.space.nothing
        for drop, met in self.dropping(back, packets):
            known = in_any_state(met) & self._of_connections(back)
            if not self.asks.accepted_without(back, known).is_empty():
                witness = self.walked.witness(met, back)
                yield Spot(drop.step.line, (rule.step.line,), self._role(rule, path, met), witness)

    def _tracked_direction(self, rule: Reach, path: str) -> PacketSet:
        """The packets of the other direction that are tracked, and have no entry that they are of."""
        back, found = ANSWERED_ON[path], self.space.nothing
        if self.asks.asks(rule):
            begun = self._let_in(path, self.asks.of(rule, path))
            found |= answers(begun, path) & (self.flagged("SYN", "ACK") | self.flagged("ACK"))
        if self.asks.answers(rule):
            asked = answers(self.asks.of(rule, path) & self.asks.goes_on, path)
            begun = self._let_in(back, self.tracked(back, self.on(back, asked)))
            found |= flow(begun, back) & self.flagged("ACK")
        return self.in_state(self.tracked(back, self.on(back, found)), "INVALID")

    def _let_in(self, path: str, packets: PacketSet) -> PacketSet:
        """The first packets of connections among some, as far as they get to the end of a way."""
        return self.asks.surely_accepted(path, packets & self.asks.begins & self.asks.protocol(TCP))

    def _role(self, rule: Reach, path: str, packets: PacketSet) -> str:
        role = "server" if self.asks.asks(rule) == (path == "input") else "client"
        later = flow(self.asks.of(rule, path) & self.asks.goes_on, path)
        if not later.meets(answers(packets, ANSWERED_ON[path])):
            return "syn"
        return "forward" if path == "forward" else role

    def _of_connections(self, path: str) -> PacketSet:
        return self.on(path, self.walked.state("ESTABLISHED") - self.space.flag("first"))

    # ── what REJECT answers ──

    def resets(self) -> Iterator[Spot]:
        """Rules with REJECT whose RST to an untracked flow is lost in OUTPUT, as it is not if the flow is tracked.

        ``others`` are the rules that drop it there; ``detail`` says whether there are any.
        """
        return by_line(spot for path in PATHS for spot in self._resets(path))

    def _resets(self, path: str) -> Iterator[Spot]:
        for reach in self.walked.meaning.way(path).reaches:
            if _resets(reach.step.rule) and reach.is_met:
                refused = matches_among(reach, self.asks.untracked(path) & self._of_tcp)
                lost = self._lost_resets(refused, path)
                if not lost.is_empty():
                    drops = tuple(drop.step.line for drop, _ in self.dropping("output", lost))
                    witness = self.walked.witness(lost, "output")
                    yield Spot(reach.step.line, drops[:1], "dropped" if drops else "", witness)

    @property
    def _of_tcp(self) -> PacketSet:
        return (self.asks.begins | self.asks.goes_on) & self.asks.protocol(TCP)

    def _lost_resets(self, refused: PacketSet, path: str) -> PacketSet:
        """The RST of which connection tracking says INVALID that are lost, and would not be as RELATED.

        The kernel hands on what is attached to the packet that it answers, so that no
        NOTRACK rule takes the RST (nf_reject_ipv4.c, nf_ct_attach; measured).
        """
        sent = answers(refused, path) & (self.flagged("RST") | self.flagged("RST", "ACK"))
        sent = self.sent(sent & self.space.field("prior").equals(PRIORS.index("connection")))
        lost = self.refused("output", self.in_state(sent, "INVALID"))
        if lost.is_empty():
            return lost
        return lost & in_any_state(self.asks.accepted_without("output", self.in_state(sent, "RELATED")))


def _resets(rule: Rule) -> bool:
    target = rule.target
    with_reset = target is not None and any(use.value == "tcp-reset" for use in target.uses)
    return target is not None and target.extends and target.name == "REJECT" and with_reset
