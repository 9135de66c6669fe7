"""The part of the proof that speaks of the loopback: a packet arrives there as it left, untracked if it left so."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.analysis.flows import OF_CONNECTION, TUPLE, without_interfaces
from rulec.analysis.untracked_flows import turned
from rulec.compiler.certificate import Failure
from rulec.compiler.proof.flows import NOT_FROM_HOT, TouchedFlows
from rulec.packetset.fields import NAMES
from rulec.packetset.packetset import PacketSet

_UNSEEN = (*OF_CONNECTION, "prior")
_ALL_BUT_TUPLE = tuple(NAMES - set(TUPLE))


class OverLoopback:
    """What becomes of touched packets that the host sends to itself, when they arrive."""

    def __init__(self, flows: TouchedFlows) -> None:
        self.flows = flows
        self.pair = flows.pair

    def failures(self) -> Iterator[Failure]:
        """Packets that arrived and do not any more, and the other way round."""
        pair, flows = self.pair, self.flows
        if pair.looped.is_empty() or flows.is_stateless:
            return
        reversed_flows = flows.reversed("output")
        after = self._arriving(pair.whole & pair.prior("nothing"), "untracked")
        before = self._arriving(self._known(self._begun(reversed_flows)), "connection")
        if not (before - after).possibly().is_empty():
            flows.assume(NOT_FROM_HOT)
        before = self._arriving(self._known(self._begun(pair.tuples("output") - reversed_flows)), "connection")
        lost = (before - after).possibly()
        if not lost.is_empty():
            message = "a packet that this host sends to itself was accepted, and is lost"
            yield flows.failure("kept", "input", message, lost & pair.prior("untracked"))
        known = self._known(self._begun(pair.tuples("output"))) | pair.stray
        before = self._arriving(known, "connection")
        holes = (after - before - self._odd(before)).possibly()
        if not holes.is_empty():
            message = "a packet that this host sends to itself is let in, though no flow that may begin has it"
            yield flows.failure("opened", "input", message, holes & pair.prior("untracked"))

    def _begun(self, tuples: PacketSet) -> PacketSet:
        """Those flows to this host itself that begin under the old ruleset: their first packet leaves, and arrives."""
        sent = without_interfaces(self.flows.begun("output", tuples & self.flows.loop, surely=True) & self.flows.loop)
        return self._arriving(self.pair.opening & sent, "connection").without(_ALL_BUT_TUPLE)

    def _known(self, begun: PacketSet) -> PacketSet:
        """All packets of some flows, as tracking sees them."""
        pair = self.pair
        asked = (pair.opening | (pair.later(False) - pair.syn)) & begun
        return asked | ((pair.later(True) - pair.syn) & turned(begun))

    def _odd(self, before: PacketSet) -> PacketSet:
        """SYN beside FIN or RST, where SYN may come."""
        return (before & self.pair.opening.without(_UNSEEN)).without(("tcp_flags",)) & self.pair.syn

    @property
    def _looped(self) -> PacketSet:
        return self.pair.looped & self.pair.usual("input").without(("prior",))

    def _arriving(self, packets: PacketSet, prior: str) -> PacketSet:
        """Those that pass the input with something attached: under the old ruleset a connection, or nothing at all."""
        pair = self.pair
        side = pair.new if prior == "untracked" else pair.old
        found = side.passing("input", (packets & self._looped).without(("prior",)) & pair.prior(prior))
        return found.without(_UNSEEN)
