"""The flows of which the proof speaks: which of them begin, which a policy asks for, what is assumed of them."""

from __future__ import annotations

from rulec.analysis.flows import TUPLE, Pair, is_no_memory, is_of_flows, without_interfaces, without_sides
from rulec.analysis.untracked_flows import ANSWERED_ON, turned
from rulec.compiler.certificate import Failure, Listed
from rulec.compiler.proof.policy import among, entries, requests
from rulec.compiler.proof.words import failure
from rulec.packetset.packetset import PacketSet
from rulec.policy import ANY, Policy

NOT_FROM_HOT = "no program of this host begins connections from the hot ports"
SAME_WAY = "all packets of a flow arrive by one interface, from one neighbour, with one mark"
SERVERS_ONLY_ANSWER = "the servers behind this host begin no connections from their hot ports"


class TouchedFlows:
    """The flows that only the new ruleset leaves untracked.

    ``assumptions``, ``exposures`` and ``losses`` grow while failures are asked for.
    """

    def __init__(self, pair: Pair, policy: Policy) -> None:
        self.pair = pair
        self.policy = policy
        self.assumptions: list[str] = []
        self.exposures: list[Listed] = []
        self.losses: list[Listed] = []
        self.loop = pair.on("iif", "lo") | pair.on("oif", "lo")
        pair.not_ours = self._not_ours()

    @property
    def is_stateless(self) -> bool:
        """Whether the new ruleset has nothing tracked at all."""
        return not self.pair.new.tracks

    def asked(self, path: str) -> PacketSet:
        """The touched tuples of the policy's requests on a way."""
        return self.pair.tuples(path) & requests(self.pair, self.policy, path)

    def reversed(self, path: str) -> PacketSet:
        """The touched tuples of flows that begin from the side of the hot ports."""
        answers = turned(without_interfaces(self.asked(ANSWERED_ON[path])))
        return self.pair.tuples(path) & answers - self.asked(path)

    def needing(self, path: str, tuples: PacketSet) -> PacketSet:
        """Those flows that may begin, and that what passed of them is owed to.

        What is the same for all packets of a flow stands in the set.
        """
        pair = self.pair
        own = tuples & pair.local("dst_type") if path == "input" else tuples
        found = pair.begun(pair.old, path, own & pair.usual(path), is_of_flows)
        return self.that_left(found, False) if path == "input" else found

    def begun(self, path: str, tuples: PacketSet, surely: bool = False, anybody: bool = False) -> PacketSet:
        """Those flows that begin under the old ruleset, between addresses that they may have.

        With ``anybody``, what only pretends to come from this host may begin flows too, and
        servers behind this host as if they were it.
        """
        pair = self.pair
        own = tuples & pair.local("dst_type") if path == "input" else tuples
        whence = pair.usual(path)
        if anybody:
            own_over_loop = ~self.loop | pair.local("src_type")
            whence = pair.takes(path) & (pair.sent_from(path) | pair.not_ours) & own_over_loop
        found = pair.begun(pair.old, path, own & whence, is_no_memory if surely else None)
        return self.that_left(found, surely) if path == "input" else found

    def later(self, path: str, surely: bool = False, usually: bool = False, asked: bool = False) -> PacketSet:
        """Packets of known connections on a way, of touched flows that may begin from either side.

        They may take any interface, or ``usually`` the same as those that a flow
        began with; those of ``asked`` flows are not of reversed ones, where that may be assumed.
        """
        pair, other = self.pair, ANSWERED_ON[path]
        ways = ((path, pair.tuples(path)), (other, turned(pair.tuples(path))))
        left = {way: self.unlikely(way) if asked else pair.space.nothing for way, _ in ways}
        own, theirs = (self.begun(way, tuples - left[way], surely) for way, tuples in ways)
        asking, answered = (own, without_sides(theirs)) if usually else map(without_interfaces, (own, theirs))
        return (pair.later(False) & asking) | (pair.later(True) & turned(answered))

    def unlikely(self, path: str) -> PacketSet:
        """The reversed flows of which it may be assumed that there are none."""
        return self.reversed(path) if self._assumed_of_servers(path) else self.pair.space.nothing

    def that_left(self, begun: PacketSet, surely: bool = False) -> PacketSet:
        """Those of some flows that come in which do not come over the loopback, or begin there, too."""
        looped = begun & self.loop
        if looped.is_empty():
            return begun
        left = self.begun("output", looped.onto(TUPLE) & self.pair.on("oif", "lo"), surely)
        return begun - (looped - left.onto(TUPLE))

    def may_assume(self, path: str) -> bool:
        """Whether it may be assumed that no server begins connections from its hot ports; then it is put down."""
        assumed = self._assumed_of_servers(path)
        if assumed:
            self.assume(assumed)
        return bool(assumed)

    def _assumed_of_servers(self, path: str) -> str:
        if path != "output":
            return SERVERS_ONLY_ANSWER if path == "forward" else ""
        servers = list(entries(self.policy, self.pair.family, "input"))
        low, high = self.policy.ephemeral
        if any(entry.ports == ANY for entry in servers):
            return ""
        if not all(entry.reserved or not any(a <= high and low <= b for a, b in entry.ports) for entry in servers):
            return ""
        return NOT_FROM_HOT

    def failure(
        self, part: str, path: str, message: str, packets: PacketSet, began: PacketSet | None = None
    ) -> Failure:
        """A counterexample."""
        return failure(self.pair, part, path, message, packets, began)

    def assume(self, text: str) -> None:
        """Put down what is assumed."""
        if text not in self.assumptions:
            self.assumptions.append(text)

    def _not_ours(self) -> PacketSet:
        """Packets from or to servers that are routed to, as if these were addresses of this host."""
        pair, found = self.pair, self.pair.space.nothing
        for entry in entries(self.policy, self.pair.family, "forward"):
            if entry.servers is not None:
                self.assume("the servers behind this host have no address of it")
                to_servers = among(pair.space.field("dst"), entry.servers, pair.family) & pair.local("dst_type")
                found |= to_servers | turned(to_servers)
        return found
