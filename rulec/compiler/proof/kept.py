"""The part of the proof that speaks of what is kept: touched packets pass that passed before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rulec.analysis.flows import OF_CONNECTION, TUPLE, without_interfaces, without_sides
from rulec.analysis.untracked_flows import ANSWERED_ON, turned
from rulec.analysis.witness import fewer
from rulec.compiler.certificate import Failure, Listed
from rulec.compiler.proof.flows import SAME_WAY, TouchedFlows
from rulec.compiler.proof.policy import entries, of_entry
from rulec.compiler.proof.words import regions_of
from rulec.model.protocols import TCP
from rulec.packetset.packetset import PacketSet
from rulec.semantics.paths import PATHS

STRANGE = "packets that no flow may begin with are lost where a flow goes on with them"
FROM_CLIENT_PORTS = "what is listed with client-ports is asked from these alone"


class Kept:
    """What the old ruleset lets through of touched flows, and whether the new one does."""

    def __init__(self, flows: TouchedFlows) -> None:
        self.flows = flows
        self.pair = flows.pair

    def failures(self) -> Iterator[Failure]:
        """Touched packets that are lost, of flows that the old ruleset lets begin."""
        for path in PATHS:
            reversed_flows, all_flows = self.flows.reversed(path), self.pair.tuples(path)
            if self._may_be_lost(path):
                all_flows -= self._from_other_ports(path)
            unlisted = all_flows - self.flows.asked(path) if self._may_be_lost(path) else self.pair.space.nothing
            yield from self._lost(path, all_flows - reversed_flows - unlisted)
            found = list(self._lost(path, reversed_flows - unlisted))
            if found and not self.flows.may_assume(path):
                yield from found
            yield from self._losses(path, unlisted)

    # ── what a policy may give up ──

    def _may_be_lost(self, path: str) -> bool:
        """Without tracking, what this host or others ask through it is kept only where the policy lists it."""
        return self.flows.is_stateless and path != "input"

    def _from_other_ports(self, path: str) -> PacketSet:
        """Flows that differ from listed ones by the port alone from which is asked: there are none, says the policy."""
        asking = [replace(entry, client_ports=None) for entry in entries(self.flows.policy, self.pair.family, path)]
        anyhow = self.pair.space.union(of_entry(self.pair, entry) for entry in asking)
        found = self.pair.tuples(path) & anyhow - self.flows.asked(path)
        if not self.flows.begun(path, found).is_empty():
            self.flows.assume(FROM_CLIENT_PORTS)
        return found

    def _losses(self, path: str, unlisted: PacketSet) -> Iterator[Failure]:
        for lost in self._lost(path, unlisted) if not unlisted.is_empty() else ():
            message = lost.message + ": no entry of the policy is about it"
            if self.flows.policy.losses == "accept":
                self.flows.losses.append(Listed(message, regions_of(self._last, self.pair, lost.path), lost.packet))
            else:
                yield lost._replace(message=message)

    # ── packets ──

    def _lost(self, path: str, tuples: PacketSet) -> Iterator[Failure]:
        """Failures for flows that begin on a way."""
        begun = self.flows.needing(path, tuples)
        if begun.is_empty():
            return
        lost = self._lost_of(path, self.pair.touched(path) & self.pair.opening & begun)
        if not lost.is_empty():
            self._last = lost
            yield self.flows.failure("kept", path, "the first packet of a flow was accepted, and is lost", lost)
            return
        yield from self._later(path, path, begun, without_interfaces(begun), reply=False)
        loop, other = self.flows.loop, ANSWERED_ON[path]
        usual, answers = turned(without_sides(begun)), turned(without_interfaces(begun))
        yield from self._later(path, other, usual - loop, answers - loop, reply=True)
        if path == "output":
            yield from self._later(path, path, usual & loop, answers & loop, reply=True)

    def _later(self, path: str, way: str, usual: PacketSet, flows: PacketSet, reply: bool) -> Iterator[Failure]:
        """Later packets of flows that begin on ``path``; what holds only for the usual way of a flow is assumed."""
        pair = self.pair
        later = pair.touched(way) & pair.later(reply) & pair.valid & pair.usual(way) - pair.syn
        if self._lost_of(way, later & flows).is_empty():
            return
        lost = self._lost_of(way, later & usual)
        if lost.is_empty():
            self.flows.assume(SAME_WAY)
            return
        if not reply and self.flows.is_stateless and self.flows.policy.losses == "accept":
            lost = self._but_for_strange(path, lost)
            if lost.is_empty():
                return
        self._last, one = lost, fewer(lost, any_protocol=True)
        began = pair.old.passing(path, pair.opening & (turned(one) if reply else one).onto(TUPLE[:5]))
        message = f"{'an answer' if reply else 'a later packet'} of a flow that is let begin was accepted, and is lost"
        yield self.flows.failure("kept", way, message, one, began)

    def _but_for_strange(self, path: str, lost: PacketSet) -> PacketSet:
        """Lost packets without those that begin no flow, such as with a source route, and are known by that alone."""
        pair = self.pair
        first = pair.old.passing(path, pair.touched(path) & pair.opening).without(OF_CONNECTION)
        strange = lost - first - pair.space.field("proto").equals(TCP)
        if not strange.is_empty():
            self.flows.losses.append(Listed(STRANGE, "", pair.witness(strange, path)))
        return lost - strange

    def _lost_of(self, path: str, packets: PacketSet) -> PacketSet:
        """Those that the old ruleset lets through and the new one does not, or lets through with another mark."""
        passing = self.pair.old.passing(path, packets)
        after = self.pair.new.passing(path, passing.possibly())
        return ((passing - after) | (passing & self._marked_otherwise(path))).possibly()

    def _marked_otherwise(self, path: str) -> PacketSet:
        old, new = (side.way(path).values.get("mark") for side in (self.pair.old, self.pair.new))
        field = self.pair.space.field("mark")
        bits = (old or field).xored(new or field).bits if old != new else ()
        return self.pair.space.union(PacketSet(self.pair.space, bit) for bit in bits)
