"""What packets and their answers have in common, and what raw makes of either."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.analysis.narrow import matches_among
from rulec.analysis.untracked import HANDSHAKE, Untracking
from rulec.analysis.untracked_flows import turned
from rulec.analysis.untracked_rules import states
from rulec.model import Rule
from rulec.model.protocols import TCP
from rulec.packetset.fields import FLAGS
from rulec.packetset.packetset import PacketSet
from rulec.semantics.reach import Reach

_ENDS = {
    "input": ("src", "dst", "sport", "dport", "proto", "iif", "src_type", "dst_type"),
    "output": ("src", "dst", "sport", "dport", "proto", "oif", "src_type", "dst_type"),
    "forward": ("src", "dst", "sport", "dport", "proto"),
}
"""Behind which interface a forwarded flow goes on nobody knows."""

_OF_A_STATE = ("ctstate", "first", "ctdir")


def flow(packets: PacketSet, path: str) -> PacketSet:
    """All packets of the direction in which some packets go their way."""
    return packets.onto(_ENDS[path])


def answers(packets: PacketSet, path: str) -> PacketSet:
    """All packets of the other direction."""
    return turned(flow(packets, path))


def in_any_state(packets: PacketSet) -> PacketSet:
    """The same packets, whatever connection tracking says of them."""
    return packets.without(_OF_A_STATE)


class Ends:
    """Asks about single packets of flows, on their way."""

    def __init__(self, untracking: Untracking) -> None:
        self.asks = untracking
        self.walked = untracking.walked
        self.space = untracking.space

    def flagged(self, *names: str) -> PacketSet:
        """The packets of TCP that have just these flags of the handshake."""
        wanted = sum(FLAGS[name] for name in names)
        return self.space.field("tcp_flags").masked(wanted, HANDSHAKE) & self.asks.protocol(TCP)

    def on(self, path: str, packets: PacketSet) -> PacketSet:
        """Those of some packets that take a way between this host and others, or between others, as they are."""
        fresh = self.asks.unmarked & self.asks.fresh
        return packets & fresh & self.asks.ordinary(path) & self.walked.possible[path]

    def in_state(self, packets: PacketSet, name: str) -> PacketSet:
        """Those of some packets of which connection tracking says so."""
        return packets & self.walked.state(name)

    def tracked(self, path: str, packets: PacketSet) -> PacketSet:
        """Those of some packets that no rule leaves untracked."""
        return packets if packets.is_empty() else (packets - self._left_untracked(path)).surely()

    def _left_untracked(self, path: str) -> PacketSet:
        taken = (self.asks.untracks(rule) for rule in self.asks.rules(path))
        return self.space.once(("taken", path), lambda: self.space.union(taken))

    def sent(self, packets: PacketSet) -> PacketSet:
        """Those of some packets that this host sends to others, in its own name or in that of another."""
        loopback = self.asks.interface("oif", "lo")
        return packets & self.asks.unmarked & self.walked.possible["output"] - loopback

    def refused(self, path: str, packets: PacketSet) -> PacketSet:
        """Those of some packets that surely do not get to the end of a way."""
        return packets if packets.is_empty() else packets - self.asks.accepted(path, packets)

    # ── what drops INVALID ──

    def drops(self, path: str) -> Iterator[Reach]:
        """The rules on a way that ask for the state INVALID and refuse packets."""
        for reach in self.walked.meaning.way(path).reaches:
            if _refuses(reach) and _asks_for_invalid(reach.step.rule) and reach.is_met:
                yield reach

    def dropping(self, path: str, packets: PacketSet) -> Iterator[tuple[Reach, PacketSet]]:
        """Those of these rules that meet some packets."""
        for reach in self.drops(path) if not packets.is_empty() else ():
            met = matches_among(reach, packets)
            if not met.is_empty():
                yield reach, met


def _refuses(reach: Reach) -> bool:
    return reach.step.table != "nat" and (reach.step.verdict == "DROP" or reach.step.extension == "REJECT")


def _asks_for_invalid(rule: Rule) -> bool:
    return any(("INVALID" in use.value) != use.negated for use in states(rule))
