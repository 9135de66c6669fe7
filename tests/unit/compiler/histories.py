"""What an old and a new ruleset make of the same packets, found by trying all short histories.

The proof of the compiler and the compiler share their meaning of rules, so one
mistake there would pass both.  This is a second one that shares nothing with
it: a host with a tracking table to which packets come one by one, over a few
addresses and ports.  Without NAT connections have nothing to do with each other, so
a history is looked at one connection at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product
from typing import NamedTuple

from tests.unit.compiler.histories_host import Host, Outcome, path
from tests.unit.compiler.histories_packet import BACKEND, OTHER, OWN, PEER, Packet
from tests.unit.compiler.histories_rules import Rules
from tests.unit.compiler.histories_tracking import End, Entry

LONGEST = 4
"""Packets of a history."""

_FLAGS = ("S", "SA", "A", "R")
_KEPT_ERROR, _OTHER_ERROR = 3, 5
_NEIGHBOURS = ((OWN, PEER), (OWN, OTHER), (OWN, BACKEND), (PEER, BACKEND), (OTHER, BACKEND), (OWN, OWN))


class Hot(NamedTuple):
    """The flows that a policy wants untracked, by the asking side's packets."""

    role: str
    protocol: str
    port: int
    server: str = ""
    clients: tuple[int, int] = (0, 65535)
    loopback: bool = False
    errors: bool = False

    def asks(self, packet: Packet) -> bool:
        """Whether a packet is one of the asking side's."""
        on = {"server": ("input", "loop"), "client": ("output", "loop"), "forward": ("forward",)}[self.role]
        return path(packet) in on and (self.loopback or path(packet) != "loop") and self.names(packet)

    def names(self, packet: Packet) -> bool:
        """The same, as far as its addresses and ports say."""
        ports = packet.dport == self.port and self.clients[0] <= packet.sport <= self.clients[1]
        return packet.protocol == self.protocol and ports and self.server in ("", packet.destination)


class Violation(NamedTuple):
    """A history of which the last packet is treated as it must not be."""

    part: str
    history: tuple[Packet, ...]
    message: str

    def __str__(self) -> str:
        return f"{self.part}: {self.message}: {'; '.join(map(str, self.history))}"


class Connection(NamedTuple):
    """Two ends between which packets are sent, and of what protocol."""

    protocol: str
    one: End
    other: End

    def packets(self) -> Iterator[Packet]:
        """All packets of both directions, and ICMP errors about them."""
        for (src, sport), (dst, dport) in ((self.one, self.other), (self.other, self.one)):
            for flags in _FLAGS if self.protocol == "tcp" else ("",):
                yield Packet(self.protocol, src, sport, dst, dport, flags)
            first = Packet(self.protocol, src, sport, dst, dport, "S" if self.protocol == "tcp" else "")
            for kind in (_KEPT_ERROR, _OTHER_ERROR):
                yield Packet("icmp", dst, 0, src, 0, "", first, kind)


def connections(protocols: tuple[str, ...], ports: tuple[int, ...]) -> Iterator[Connection]:
    """All pairs of ends."""
    for protocol, (one, other) in product(protocols, _NEIGHBOURS):
        pairs = combinations(ports, 2) if one == other else product(ports, ports)
        yield from (Connection(protocol, (one, sport), (other, dport)) for sport, dport in pairs)


def violations(
    old: Rules, new: Rules, hot: Hot, ports: tuple[int, ...], protocols: tuple[str, ...] = ("tcp", "udp")
) -> Iterator[Violation]:
    """What the new ruleset does to short histories that it must not, by the parts of the proof."""
    hosts = Host(old), Host(new)
    known: set[tuple[object, ...]] = set()
    for connection in connections(protocols, ports):
        ways = tuple((hot.asks(packet), *(host.ways(packet) for host in hosts)) for packet in connection.packets())
        key = (connection.one[0] == connection.other[0], *ways)
        if key not in known:
            known.add(key)
            yield from Comparison(*hosts, hot, connection).violations()


Entries = tuple[Entry | None, Entry | None]


class Comparison:
    """Both hosts, and all histories over one connection."""

    def __init__(self, old: Host, new: Host, hot: Hot, connection: Connection) -> None:
        self.old, self.new, self.hot = old, new, hot
        self.packets = tuple(connection.packets())
        self.touched = frozenset(packet for packet in self.packets if self._is_touched(packet))

    def _is_touched(self, packet: Packet) -> bool:
        """Whether only the new ruleset leaves a packet untracked; over lo, at either hook."""
        hooks = ("OUTPUT", "PREROUTING") if path(packet) == "loop" else ("",)
        return any(self.new.is_untracked(packet, hook) and not self.old.is_untracked(packet, hook) for hook in hooks)

    def violations(self) -> Iterator[Violation]:
        """All parts, as far as they concern this connection."""
        yield from self._untracked()
        if not self.touched:
            yield from self._frame()
            return
        yield from self._closed()
        yield from self._kept()
        yield from self._opened()
        yield from self._answers()

    # ── histories ──

    def _together(self, legitimate: bool) -> Iterator[tuple[tuple[Packet, ...], Outcome, Outcome]]:
        """Histories, and what both hosts make of the last packet.

        With ``legitimate`` all packets but the last get through the old one, and the first opens the connection.
        """
        known: dict[Entries, tuple[Packet, ...]] = {(None, None): ()}
        fresh = dict(known)
        for _ in range(LONGEST):
            found: dict[Entries, tuple[Packet, ...]] = {}
            for (one, other), history in fresh.items():
                for packet in self.packets:
                    if legitimate and not history and not opens(packet):
                        continue
                    before, after = self.old.sent(one, packet), self.new.sent(other, packet)
                    yield (*history, packet), before, after
                    entries = before.entry, after.entry
                    if entries not in known and (before.passed or not legitimate):
                        found.setdefault(entries, (*history, packet))
            known.update(found)
            fresh = found

    # ── parts ──

    def _frame(self) -> Iterator[Violation]:
        for history, before, after in self._together(legitimate=False):
            differs = before.passed != after.passed or before.answer != after.answer
            if differs and not self._is_excused(history[-1]):
                yield Violation("frame", history, f"{_words(before)} under the old ruleset, {_words(after)} now")
                return

    def _is_excused(self, packet: Packet) -> bool:
        """An error about what might be hot on another way: rules see no more than its addresses and ports."""
        about = packet.about
        return about is not None and (self.hot.names(about) or self.hot.names(turned(about)))

    def _closed(self) -> Iterator[Violation]:
        for packet in filter(opens, self.packets):
            if not self.old.sent(None, packet).passed:
                continue
            answers = [turned(packet)._replace(flags=flags) for flags in (("SA", "A") if packet.flags else ("",))]
            asked = self.new.is_untracked(packet)
            for answer in answers:
                if asked != self.new.is_untracked(answer) and self.touched & {packet, answer}:
                    yield Violation("closed", (packet, answer), "one direction is untracked, and the other is not")
                    return

    def _kept(self) -> Iterator[Violation]:
        for history, before, after in self._together(legitimate=True):
            last = history[-1]
            if before.passed and not after.passed and self._is_to_be_kept(history, before):
                part = "reversed" if self.hot.asks(turned(history[0])) and not self.hot.asks(history[0]) else "kept"
                yield Violation(part, history, f"{last} was {_words(before)}, and is {_words(after)}")
                return

    def _is_to_be_kept(self, history: tuple[Packet, ...], before: Outcome) -> bool:
        last = history[-1]
        if last.about is not None:
            asked = self.hot.asks(history[0]) and self.hot.errors
            sent = path(last) == "output" and last.about.protocol == "tcp"
            return asked and before.state == "RELATED" and last.kind == _KEPT_ERROR and not sent
        if opens(last):
            return before.state == "NEW" or not last.flags
        return before.state == "ESTABLISHED"

    def _opened(self) -> Iterator[Violation]:
        before = self._ever_passing(self.old)
        ever = {packet for packet, _ in before}
        begins = {packet for packet, state in before if state != "ESTABLISHED"}
        for (packet, state), history in self._ever_passing(self.new).items():
            asks = packet.flags == "S" and state == "UNTRACKED" and packet not in begins
            if packet.about is None and (asks or packet not in ever):
                yield Violation("opened", (*history, packet), "only the new ruleset lets it through")
                return

    def _ever_passing(self, host: Host) -> dict[tuple[Packet, str], tuple[Packet, ...]]:
        """The packets that get through in some history, their state then, and that history."""
        passing: dict[tuple[Packet, str], tuple[Packet, ...]] = {}
        known: dict[Entry | None, tuple[Packet, ...]] = {None: ()}
        fresh = dict(known)
        for _ in range(LONGEST):
            found: dict[Entry | None, tuple[Packet, ...]] = {}
            for (entry, history), packet in product(fresh.items(), self.packets):
                outcome = host.sent(entry, packet)
                if outcome.passed:
                    passing.setdefault((packet, outcome.state), history)
                if outcome.entry not in known:
                    found.setdefault(outcome.entry, (*history, packet))
            known.update(found)
            fresh = found
        return passing

    def _untracked(self) -> Iterator[Violation]:
        for packet in filter(opens, self.packets):
            asked = self.hot.asks(packet) and self.old.sent(None, packet).passed
            if asked and not self.new.is_untracked(packet):
                yield Violation("untracked", (packet,), "a hot request is still tracked")

    def _answers(self) -> Iterator[Violation]:
        for packet in self.touched:
            if opens(packet):
                before, after = self.old.sent(None, packet), self.new.sent(None, packet)
                if before.answer and not after.answer and not after.passed:
                    yield Violation("answers", (packet,), "it was refused with an answer, and the answer is lost")


def opens(packet: Packet) -> bool:
    """Whether a packet can begin a connection."""
    return packet.about is None and packet.flags in ("", "S")


def turned(packet: Packet) -> Packet:
    """A packet the other way."""
    return packet._replace(source=packet.destination, sport=packet.dport, destination=packet.source, dport=packet.sport)


def _words(outcome: Outcome) -> str:
    return f"{'passed' if outcome.passed else 'dropped'} as {outcome.state}"
