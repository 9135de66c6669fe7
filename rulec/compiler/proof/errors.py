"""The part of the proof that speaks of ICMP errors about touched flows."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.analysis.flows import OF_CONNECTION, without_interfaces
from rulec.analysis.untracked_flows import inner, turned
from rulec.analysis.witness import fewer
from rulec.compiler.certificate import Failure, Listed
from rulec.compiler.proof.concerned import Concerned
from rulec.compiler.proof.flows import TouchedFlows
from rulec.compiler.proof.policy import entries, of_entry
from rulec.compiler.proof.words import regions_of
from rulec.model import Family
from rulec.model.protocols import TCP
from rulec.packetset.packetset import PacketSet
from rulec.semantics.paths import PATHS

PLAIN_ERRORS = "ICMPv6 errors, and the packets in them, have no extension headers"
NOT_OVER_LOOPBACK = "ICMP errors over the loopback about hot flows are not waited for"
_UNSEEN = (*OF_CONNECTION, "prior")


class Errors:
    """ICMP errors: under the old ruleset RELATED, under the new one INVALID (measured)."""

    def __init__(self, flows: TouchedFlows) -> None:
        self.flows = flows
        self.pair = flows.pair

    def failures(self) -> Iterator[Failure]:
        """Errors about flows that are let begin, and that the new ruleset does not let through."""
        if self.pair.family is Family.IPV6:
            self.flows.assume(PLAIN_ERRORS)
        if not self.pair.looped.is_empty() and not self.flows.is_stateless:
            self.flows.assume(NOT_OVER_LOOPBACK)
        for path in PATHS:
            begun = self.flows.begun(path, self.pair.tuples(path) & self.wanted(path))
            begun = without_interfaces(begun - self.flows.loop)
            for way, about in self._about(path, begun):
                lost = self.lost(
                    way, inner(about.without(("src_type", "dst_type"))) & self.pair.errors & self.pair.usual(way)
                )
                if not lost.is_empty():
                    message = "an ICMP error about a flow that is let begin is lost"
                    yield self.flows.failure("kept", way, message, lost)

    def expose(self) -> None:
        """List the errors about touched packets that pass though no connection is known, and were dropped."""
        pair = self.pair
        unknown = pair.state("INVALID") & pair.prior("nothing") & pair.whole - pair.space.flag("first")
        for path in PATHS if not self.flows.is_stateless else ():
            about = unknown & pair.about_touched & pair.usual(path) - pair.extended
            forged = self._that_may_fare_otherwise(path, about)
            passing = pair.new.passing(path, forged).without(_UNSEEN)
            packets = self._dropped(path, forged, passing)
            if not packets.is_empty():
                told = regions_of(passing.possibly() if pair.is_large else packets, pair, path)
                message = f"ICMP errors about flows of no connection pass on the way {path}, which were dropped"
                self.flows.exposures.append(Listed(message, told, pair.witness(packets & unknown, path)))

    def _that_may_fare_otherwise(self, path: str, forged: PacketSet) -> PacketSet:
        """Without errors of which it is soon seen that a large table treats them as the old one does.

        Those that no flow needs are let in by no rule that knows them: to follow them takes long.
        """
        if not self.pair.is_large:
            return forged
        needless = forged - self.pair.errors - self.pair.touched(path)
        return (forged - needless) | Concerned(self.pair).among(path, needless)

    def _dropped(self, path: str, forged: PacketSet, passing: PacketSet) -> PacketSet:
        """Those that the old ruleset dropped; in large tables those from one source are enough, if there are any."""
        for few in (fewer(passing, any_protocol=True), passing) if self.pair.is_large else (passing,):
            packets = (few - self.pair.old.passing(path, forged & few).without(_UNSEEN)).possibly()
            if not packets.is_empty():
                break
        return packets

    def related(self, path: str) -> PacketSet:
        """What the old ruleset lets through of errors about flows that may begin, as a set without tracking."""
        about = self.pair.space.nothing
        for begins in PATHS:
            begun = self.flows.begun(begins, self.pair.tuples(begins), surely=True, anybody=True)
            about |= self._about_both(begun - self.flows.loop) | (self._about_both(begun) & self.flows.loop)
        return self._before(path, about & self.pair.touched(path) & self.pair.sent_from(path))

    def _about_both(self, begun: PacketSet) -> PacketSet:
        """The errors about both directions of flows."""
        flows = without_interfaces(begun)
        return inner((flows | turned(flows)).without(("src_type", "dst_type")))

    # ── which ──

    def _about(self, path: str, begun: PacketSet) -> Iterator[tuple[str, PacketSet]]:
        """Ways on which errors go about flows that begin on a way, and the packets that these speak of.

        About TCP that comes in the host itself sends no errors, but resets.
        """
        if path == "forward":
            yield from (("forward", begun | turned(begun)), ("output", begun | turned(begun)))
            return
        sent, received = (begun, turned(begun)) if path == "output" else (turned(begun), begun)
        yield from (("input", sent), ("output", received - self.pair.space.field("proto").equals(TCP)))

    def wanted(self, path: str) -> PacketSet:
        """The flows, both directions, of which the policy does not leave the errors.

        Without tracking, those of all that comes in, and of what else the policy lists.
        """
        policy = self.flows.policy
        if self.flows.is_stateless and policy.icmp_errors != "leave" and path == "input":
            return self.pair.space.everything
        kept = [entry for entry in policy.hot if entry.icmp_errors != "leave" and self.pair.family in entry.families]
        if self.flows.is_stateless:
            listed = [entry for entry in entries(policy, self.pair.family, path) if entry in kept]
            return self.pair.space.union(of_entry(self.pair, entry) for entry in listed)
        asked = self.pair.space.union(of_entry(self.pair, entry) for entry in kept)
        return asked | turned(asked)

    # ── what becomes of them ──

    def lost(self, path: str, packets: PacketSet) -> PacketSet:
        """Those that the old ruleset lets through as RELATED, and the new one not as INVALID."""
        pair = self.pair
        prior = pair.prior("connection" if path == "output" else "nothing")
        before = self._before(path, packets)
        invalid = before & prior & pair.state("INVALID") - pair.space.flag("first")
        after = pair.new.passing(path, invalid).without(_UNSEEN)
        return (before - after).possibly() & prior

    def let_out(self, path: str, packets: PacketSet) -> PacketSet:
        """Those that the old ruleset lets through as RELATED."""
        prior = self.pair.prior("connection" if path == "output" else "nothing")
        return self._before(path, packets).possibly() & prior

    def _before(self, path: str, packets: PacketSet) -> PacketSet:
        """Those that the old ruleset lets through, as they are when nothing is known of them."""
        pair = self.pair
        rewritten = pair.space.flag("snat") | pair.space.flag("dnat") | pair.space.flag("first")
        prior = pair.prior("connection" if path == "output" else "nothing")
        related = packets & prior & pair.whole & pair.state("RELATED") - rewritten
        return pair.old.passing(path, related).without(_UNSEEN)
