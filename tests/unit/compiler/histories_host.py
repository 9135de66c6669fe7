"""A second host, for tests only: one packet goes through all hooks, and leaves its trace in the tracking table."""

from __future__ import annotations

from typing import NamedTuple

from tests.unit.compiler.histories_packet import BACKEND, OWN, Packet
from tests.unit.compiler.histories_rules import Rules, Seen, Verdict, verdict
from tests.unit.compiler.histories_tracking import Entry, tracked

_STATES = ("NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED")


class Outcome(NamedTuple):
    """What becomes of a packet: whether it gets through, its state at the end, and the entry behind it.

    ``answer`` is whether what REJECT answers leaves the host, None where it answers nothing.
    """

    passed: bool
    state: str
    entry: Entry | None
    answer: bool | None = None


def path(packet: Packet) -> str:
    """The way of a packet."""
    if packet.destination == OWN:
        return "loop" if packet.source == OWN else "input"
    return "output" if packet.source == OWN else "forward"


def interfaces(packet: Packet) -> tuple[str, str]:
    """Where a packet comes in, and where it leaves."""
    if path(packet) == "loop":
        return "lo", "lo"
    behind = ["eth1" if end == BACKEND else "eth0" for end in (packet.source, packet.destination)]
    return ("" if packet.source == OWN else behind[0]), ("" if packet.destination == OWN else behind[1])


class Host:
    """A host with one ruleset; what was asked once is remembered."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.tracks = any(rule.asks_state for found in rules.chains.values() for rule in found)
        """Whether packets are tracked at all; without a rule that asks for a state they are not."""
        self._outcomes: dict[tuple[Entry | None, Packet], Outcome] = {}
        self._verdicts: dict[tuple[str, str, Packet, str], Verdict] = {}

    def sent(self, entry: Entry | None, packet: Packet) -> Outcome:
        """What becomes of a packet, given the entry of its connection (for an ICMP error, of the one it is about)."""
        if (entry, packet) not in self._outcomes:
            self._outcomes[entry, packet] = self._sent(entry, packet)
        return self._outcomes[entry, packet]

    def is_untracked(self, packet: Packet, hook: str = "") -> bool:
        """Whether raw leaves a packet untracked that has nothing attached, at the hook where it is seen first."""
        hook = hook or ("OUTPUT" if packet.source == OWN else "PREROUTING")
        return not self.tracks or self._verdict("raw", hook, packet, "INVALID").notrack

    def _sent(self, entry: Entry | None, packet: Packet) -> Outcome:
        if path(packet) == "loop":
            return self._looped(entry, packet)
        if path(packet) == "output":
            return self._leaving(entry, packet)
        return self._arriving(entry, packet)

    def _leaving(self, entry: Entry | None, packet: Packet) -> Outcome:
        if self._verdict("raw", "OUTPUT", packet, "INVALID").name != "ACCEPT":
            return Outcome(False, "INVALID", entry)
        state, dropped, passed = self._look(entry, packet, "OUTPUT")
        if self._verdict("filter", "OUTPUT", packet, state).name != "ACCEPT":
            return Outcome(False, state, dropped)
        return Outcome(True, state, passed)

    def _arriving(self, entry: Entry | None, packet: Packet) -> Outcome:
        if self._verdict("raw", "PREROUTING", packet, "INVALID").name != "ACCEPT":
            return Outcome(False, "INVALID", entry)
        return self._behind_raw(packet, *self._look(entry, packet, "PREROUTING"))

    def _looped(self, entry: Entry | None, packet: Packet) -> Outcome:
        """What has a state when it leaves keeps it; NOTRACK and tracking look only at what has none."""
        left = self._leaving(entry, packet)
        raw = self._verdict("raw", "PREROUTING", packet, left.state)
        if not left.passed or raw.name != "ACCEPT":
            return left._replace(passed=False)
        if left.state == "INVALID":
            return self._behind_raw(packet, *self._look(left.entry, packet, "PREROUTING"))
        return self._behind_raw(packet, left.state, left.entry, left.entry)

    def _behind_raw(self, packet: Packet, state: str, dropped: Entry | None, passed: Entry | None) -> Outcome:
        hook = "FORWARD" if path(packet) == "forward" else "INPUT"
        if self._verdict("mangle", "PREROUTING", packet, state).name != "ACCEPT":
            return Outcome(False, state, dropped)
        found = self._verdict("filter", hook, packet, state)
        if found.name == "REJECT":
            return Outcome(False, state, dropped, self._answered(packet, state, dropped, found.answer))
        return Outcome(found.name == "ACCEPT", state, passed if found.name == "ACCEPT" else dropped)

    def _look(self, entry: Entry | None, packet: Packet, hook: str) -> tuple[str, Entry | None, Entry | None]:
        if self.is_untracked(packet, hook):
            return "UNTRACKED", entry, entry
        return tracked(entry, packet)

    def _answered(self, packet: Packet, state: str, entry: Entry | None, how: str) -> bool | None:
        """What REJECT sends has the connection of the packet attached; of an untracked one nothing that is known.

        NOTRACK does not look at either (nf_ct_attach; measured).
        """
        answer = _answer(packet, how)
        if answer is None or path(packet) != "input":
            return None
        if self._verdict("raw", "OUTPUT", answer, "INVALID").name != "ACCEPT":
            return False
        found = "RELATED"
        if state == "UNTRACKED":
            found = tracked(entry, answer).state
        elif state == "INVALID":
            found = self._look(entry, answer, "OUTPUT")[0]
        return self._verdict("filter", "OUTPUT", answer, found).name == "ACCEPT"

    def ways(self, packet: Packet) -> tuple[object, ...]:
        """All that the rules say of a packet; of two with the same ways the same becomes."""
        hooks = (("raw", "PREROUTING"), ("mangle", "PREROUTING"), ("filter", "INPUT"), ("filter", "FORWARD"))
        both = (*hooks, ("raw", "OUTPUT"), ("filter", "OUTPUT"))
        met = both if path(packet) == "loop" else both[-2:] if path(packet) == "output" else hooks
        return tuple(self._verdict(*hook, packet, state) for hook in met for state in _STATES)

    def _verdict(self, table: str, chain: str, packet: Packet, state: str) -> Verdict:
        key = table, chain, packet, state
        if key not in self._verdicts:
            iif, oif = interfaces(packet)
            comes, leaves = chain != "OUTPUT", chain not in ("PREROUTING", "INPUT")
            seen = Seen(packet, iif if comes else "", oif if leaves else "", state)
            self._verdicts[key] = verdict(self.rules, table, chain, seen)
        return self._verdicts[key]


def _answer(packet: Packet, how: str) -> Packet | None:
    """A reset of TCP, or an ICMP error about the packet; none about such an error, and no reset to a reset."""
    if packet.about is not None or (how == "tcp-reset" and "R" in packet.flags):
        return None
    if how == "tcp-reset":
        return Packet("tcp", packet.destination, packet.dport, packet.source, packet.sport, "R")
    return Packet("icmp", packet.destination, 0, packet.source, 0, "", packet, 3)
