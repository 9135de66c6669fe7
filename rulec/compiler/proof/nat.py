"""The part of the proof that speaks of NAT: what is untracked is never rewritten, neither way.

A NAT rule stands in the way twice: where it matches touched packets, and where
what it makes of others comes back as a touched one, which is then not turned back.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.analysis.forwarded import NOT_OF_THIS_HOST, forwarded_to
from rulec.analysis.narrow import matches_among
from rulec.analysis.untracked_flows import turned
from rulec.catalogue.extension import Given
from rulec.catalogue.values.nat import NatRange
from rulec.compiler.certificate import Failure
from rulec.compiler.proof.flows import TouchedFlows
from rulec.compiler.proof.opened import NOT_FROM_OUTSIDE
from rulec.compiler.proof.words import failure
from rulec.model import Family
from rulec.packetset.packetset import PacketSet
from rulec.semantics import nat
from rulec.semantics.reach import Reach

_OF_DESTINATIONS = ("DNAT", "REDIRECT", "NETMAP")
_OWN_END = ("src", "sport", "proto", "src_type")
_PRIVILEGED = 1024
OWN_ADDRESS = "what this host sends itself has the address of the interface by which it leaves"
LOW_PORTS = "no host behind this one sends from a hot port below 1024"


class Rewritten:
    """Whether NAT and touched flows keep clear of each other."""

    def __init__(self, flows: TouchedFlows) -> None:
        self.flows = flows
        self.pair = flows.pair

    def failures(self) -> Iterator[Failure]:
        """NAT rules of the old ruleset that rewrite touched flows, or make others look like them."""
        seen: set[tuple[int, str]] = set()
        for path in ("input", "forward", "output"):
            for reach in [each for walk in self.pair.old.way(path).trail.within("nat") for each in walk.reaches]:
                if reach.step.extension in nat.TARGETS and reach.is_met and (reach.step.line, path) not in seen:
                    seen.add((reach.step.line, path))
                    yield from self._of_rule(reach, path)

    def _of_rule(self, reach: Reach, path: str) -> Iterator[Failure]:
        own = self.pair.touched("output") & self.pair.sent_from("output")
        touched = self._arriving if path != "output" else own - self.flows.reversed("output")
        hit = self._hit(reach, path, touched & self.pair.opening).possibly()
        if not hit.is_empty() and not self._same_anyway(reach, path):
            yield self._failure(reach, path, "a flow that is rewritten would be untracked, and not rewritten", hit)
            return
        back = self._come_back(reach, path)
        if not back.is_empty():
            message = "the answers to a flow that is rewritten would be untracked, and not turned back"
            yield self._failure(reach, path, message, back)

    def _failure(self, reach: Reach, path: str, message: str, packets: PacketSet) -> Failure:
        found = failure(self.pair, "closed", path, message, packets)
        return found._replace(old_lines=(reach.step.line,))

    def _same_anyway(self, reach: Reach, path: str) -> bool:
        """MASQUERADE gives what this host sends the address that it most often has already."""
        if reach.step.extension != "MASQUERADE" or path != "output":
            return False
        self.flows.assume(OWN_ADDRESS)
        return True

    @property
    def _arriving(self) -> PacketSet:
        pair = self.pair
        return (pair.new.untracked("input") - pair.old.untracked("input")) & pair.sent_from("input")

    def _hit(self, reach: Reach, path: str, packets: PacketSet) -> PacketSet:
        """Those of some packets that get to a rule and match; a rule behind a large table does not know of all."""
        if not self.pair.is_large:
            return matches_among(reach, packets)
        met = self.pair.old.met(path, packets, lambda step: step == reach.step)
        return self.pair.space.union(each.packets for each in met if each.hook == reach.hook)

    def _come_back(self, reach: Reach, path: str) -> PacketSet:
        """The touched packets that answer what a rule makes of untouched ones."""
        own = self._arriving if path != "output" else self.pair.touched(path)
        others = reach.matches & self.pair.state("NEW") - own
        back = self._answering(reach, path, others.possibly())
        if back.is_empty() or not self.pair.is_large:
            return back
        return self._answering(reach, path, self._hit(reach, path, others).possibly())

    def _answering(self, reach: Reach, path: str, matched: PacketSet) -> PacketSet:
        """The touched packets that answer what a rule makes of some."""
        if reach.step.extension not in _OF_DESTINATIONS or reach.hook.name not in ("PREROUTING", "OUTPUT"):
            return self._from_destinations(reach, matched)
        if reach.hook.name == "PREROUTING":
            return self._from_others(reach, self._from_outside(matched))
        matched &= self.pair.usual("output").onto(_OWN_END)
        back = self._from_others(reach, matched)
        hot = self.flows.reversed("output").onto(_OWN_END)
        if not back.is_empty() and matched.meets(hot) and self.flows.may_assume("output"):
            return self._from_others(reach, matched - hot)
        return back

    def _from_others(self, reach: Reach, matched: PacketSet) -> PacketSet:
        """The touched answers of those to whom a rule sends some packets."""
        asked = turned(matched.onto(_OWN_END))
        answers = asked & self._made(reach, "src", "sport", matched)
        return (answers & self._arriving) | self._of_this_host(answers & self.pair.touched("output"))

    def _from_destinations(self, reach: Reach, matched: PacketSet) -> PacketSet:
        """The touched answers to what a rule sends as if it came from elsewhere."""
        asked = turned(matched.onto(("dst", "dport", "proto")))
        answers = asked & self._made(reach, "dst", "dport", matched)
        answers &= self.pair.local("dst_type") if reach.step.extension == "MASQUERADE" else self.pair.space.everything
        return answers & self._arriving

    def _from_outside(self, packets: PacketSet) -> PacketSet:
        """Those that come from others: over the loopback OUTPUT has decided already, and IPv4 drops what pretends."""
        honest = packets - self.pair.on("iif", "lo") - self.pair.local("src_type")
        if self.pair.family is Family.IPV6 and honest != packets:
            self.flows.assume(NOT_FROM_OUTSIDE)
        return honest

    def _of_this_host(self, answers: PacketSet) -> PacketSet:
        """Those that this host sends, where it is not told from the ruleset that others do."""
        others = self.pair.space.field("src").among(forwarded_to(self.pair.old.meaning.prepared))
        if answers.meets(others):
            self.flows.assume(NOT_OF_THIS_HOST)
        return answers - others

    def _made(self, reach: Reach, address: str, port: str, matched: PacketSet) -> PacketSet:
        """The answers, by the address and the port that the rule puts in."""
        target = reach.step.rule.target
        assert target is not None
        given = Given(self.pair.family, target.uses)
        chosen = next((use.value for use in given.uses if isinstance(use.value, NatRange)), None)
        space, found = self.pair.space, self.pair.space.everything
        if chosen is not None and chosen.first is not None and chosen.last is not None:
            found &= space.field(address).between(chosen.first, chosen.last)
        if chosen is not None and chosen.first_port is not None and chosen.last_port is not None:
            return found & space.field(port).between(chosen.first_port, chosen.last_port)
        if port == "sport":
            return found & turned(matched.onto(("dport", "proto")))
        self._assume_low_ports()
        return found & space.field(port).between(_PRIVILEGED, 65535)

    def _assume_low_ports(self) -> None:
        low = self._arriving & self.pair.space.field("dport").between(1, _PRIVILEGED - 1)
        if not low.is_empty():
            self.flows.assume(LOW_PORTS)
