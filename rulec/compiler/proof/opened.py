"""The part of the proof that speaks of holes: nothing passes that no flow needs which may begin."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from rulec.analysis.flows import OF_CONNECTION, TUPLE
from rulec.compiler.certificate import Failure, Listed
from rulec.compiler.proof.errors import Errors
from rulec.compiler.proof.flows import TouchedFlows
from rulec.compiler.proof.refused import Refused
from rulec.compiler.proof.words import regions_of
from rulec.model import Family
from rulec.model.protocols import ICMP, ICMPV6, NEEDED_ERRORS
from rulec.packetset.packetset import PacketSet
from rulec.semantics.paths import NO_NEXT_HEADER, PATHS

NOT_FROM_OUTSIDE = "nothing comes in from outside with an address of this host as its source"
_SENT = (*TUPLE, "tcp_flags", "icmp_type")


class Opened:
    """Touched packets that only the new ruleset lets through."""

    def __init__(self, flows: TouchedFlows) -> None:
        self.flows = flows
        self.pair = flows.pair

    def failures(self) -> Iterator[Failure]:
        """Those that no flow needs which the old ruleset lets begin; the others are listed as exposures."""
        for path in PATHS:
            if not self.pair.touched(path).is_empty():
                yield from self._opened(path)

    def _opened(self, path: str) -> Iterator[Failure]:
        pair, touched = self.pair, self.pair.touched(path) & self.pair.sent_from(path)
        passing = pair.new.passing(path, touched & pair.unknown).without(OF_CONNECTION)
        begins = pair.old.passing(path, touched & pair.opening).without(OF_CONNECTION)
        strays = pair.old.passing(path, touched & pair.stray).without(OF_CONNECTION)
        odd = self._odd(path, begins) | (strays & self._invalid_syn)
        holes = ((passing & pair.syn) - begins.without(("tcp_flags",)) - odd).possibly()
        if not holes.is_empty():
            message = "a new connection is let in that was not"
            yield self.flows.failure("opened", path, message, holes & pair.state("NEW"))
        rest = passing - pair.syn - begins - strays
        known = self._known(path, touched)
        unknown = (rest - known).possibly() - (pair.extended & pair.icmp(NEEDED_ERRORS[pair.family])) - self._of_nothing
        unknown = self._believable(path, unknown)
        if not (unknown - pair.errors).is_empty() or not (unknown.is_empty() or self._widely):
            message = "a packet of no flow that may begin is let through"
            yield self.flows.failure("opened", path, message, unknown)
        self._expose(path, (rest & (known | pair.errors)).possibly())

    def _odd(self, path: str, begins: PacketSet) -> PacketSet:
        """SYN beside FIN or RST to this host where some connection may begin: Linux passes over it (measured).

        A limit in front of what begins is not asked of these.
        """
        if path != "input":
            return self.pair.space.nothing
        return self._invalid_syn & begins.possibly().without(("tcp_flags",))

    @property
    def _invalid_syn(self) -> PacketSet:
        """SYN beside FIN or RST, which tracking calls INVALID (measured)."""
        return self.pair.syn & (self.pair.flags("FIN") | self.pair.flags("RST"))

    def _believable(self, path: str, packets: PacketSet) -> PacketSet:
        """Those that say truly whether they come from this host: IPv4 drops the others behind PREROUTING.

        What comes over the loopback has left before.
        """
        if path == "output":
            return packets
        lo, own = self.pair.on("iif", "lo"), self.pair.local("src_type")
        if self.pair.family is Family.IPV6 and not ((packets & own) - lo).is_empty():
            self.flows.assume(NOT_FROM_OUTSIDE)
        return packets & own.choose(lo & self._sent_to_itself, ~lo)

    @cached_property
    def _sent_to_itself(self) -> PacketSet:
        """What this host may send to itself under the new ruleset."""
        pair = self.pair
        sent = pair.takes("output") & pair.sent_from("output") & pair.on("oif", "lo")
        return pair.new.passing("output", sent).onto(_SENT)

    @property
    def _of_nothing(self) -> PacketSet:
        """Without tracking: what nobody sends by this family, and errors about it, which only tracking has refused."""
        if not self.flows.is_stateless:
            return self.pair.space.nothing
        space, groups = self.pair.space, self.pair.groups
        none = (ICMPV6,) if self.pair.family is Family.IPV4 else (ICMP, NO_NEXT_HEADER)
        for_many = groups("inner_src") | groups("inner_dst")
        about = self.pair.errors & (space.field("inner_proto").among(none) | for_many)
        return about | space.field("proto").among(none)

    @property
    def _widely(self) -> bool:
        """Whether the policy has errors let in whatever they are about."""
        return any(entry.icmp_errors == "wide" for entry in self.flows.policy.hot)

    def _known(self, path: str, touched: PacketSet) -> PacketSet:
        """What the old ruleset lets through of the flows that it lets begin, from either side."""
        pair, flows = self.pair, self.flows
        found = pair.old.passing(path, touched & flows.later(path, surely=True)).without(OF_CONNECTION)
        if not flows.is_stateless:
            return found
        errors = Errors(flows)
        answers = Refused(errors).let_out() if path == "output" else pair.space.nothing
        return found | errors.related(path) | answers

    def _expose(self, path: str, packets: PacketSet) -> None:
        if not packets.is_empty():
            message = f"packets of no connection pass on the way {path}, which were dropped"
            told = regions_of(packets, self.pair, path)
            self.flows.exposures.append(Listed(message, told, self.pair.witness(packets, path)))
