"""The two sides of a flow: a program on this host, or another host, whose packets are made by hand."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import NamedTuple, Protocol

from rulec.host import lab_packets as packets
from rulec.host.lab_here import End, Here
from rulec.host.lab_packets import ACK, PSH, SYN, Seen, Way, mark, sequence
from rulec.host.lab_there import There
from rulec.host.trial import ANSWERER, ASKER, Flow, Kind, Step
from rulec.model.protocols import ECHO, TCP, UDP

STRAY_NUMBER = 0x1000
"""How far the sequence number of a stray segment is from the first one, so that it is not taken for another."""

_SEGMENT = 1200
_MTU = 1500
"""That of the links: a smaller one would hold for all flows between two hosts, and cut off what is under way."""


class Net(NamedTuple):
    """Where to send, and which addresses are of this host."""

    here: Here
    there: There
    local: frozenset[int]

    def near(self, address: int) -> int:
        """The address of a router near another one."""
        return next(address ^ 1 << bit for bit in range(32) if address ^ 1 << bit not in self.local)


class Side(Protocol):
    """What a side can do; ``step`` is the number of the step of the trial."""

    def send(self, step: Step, number: int) -> None:
        """Send what a step says."""

    def got(self, seen: Seen) -> None:
        """Take notice of a packet that came to this side."""


class Identity(NamedTuple):
    """Which side of which trial: its flow, whose turn it is, and with whom it talks as far as it knows."""

    flow: Flow
    trial: int
    role: str
    own: End
    peer: End

    @property
    def way(self) -> Way:
        """From this side to the other."""
        return Way(self.flow.family, *self.own, *self.peer)

    @property
    def first(self) -> int:
        """The first sequence number of this side."""
        return sequence(self.trial, self.role)


def asker(flow: Flow, trial: int, net: Net) -> Side:
    """The side that asks."""
    ends = ((flow.asker, flow.asker_port), (flow.answerer, flow.answerer_port))
    me = Identity(flow, trial, ASKER, *ends)
    return Hand(me, net, flow.asker_link) if flow.asker_link else Program(me, net)


def answerer(flow: Flow, trial: int, net: Net, request: Seen) -> Side:
    """The side that got the request, wherever NAT has brought it."""
    source, destination = _ends(request)
    me = Identity(flow, trial, ANSWERER, destination, source)
    side: Side = Hand(me, net, request.place) if request.place else Program(me, net)
    side.got(request)
    return side


def _ends(seen: Seen) -> tuple[End, End]:
    ports = seen.ports
    return (seen.source, ports[0]), (seen.destination, ports[1])


class Program:
    """A program on this host; the kernel shakes hands for it, and answers pings."""

    def __init__(self, me: Identity, net: Net) -> None:
        self._me = me
        self._net = net
        self._socket: socket.socket | None = None

    def send(self, step: Step, number: int) -> None:
        """Send what a step says."""
        flow, trial = self._me.flow, self._me.trial
        if step.kind is Kind.STRAY:
            self._net.here.raw(self._me.way, stray(self._me, step, number))
        elif step.kind is Kind.ERROR:
            self._net.here.raw(self._me.way, error(self._me, step, number, self._me.own[0]))
        elif flow.protocol == TCP:
            self._stream(step, number)
        elif flow.protocol == UDP:
            size = max(step.size, len(mark(0, 0)))
            data = packets.filled(trial, number, size)
            self._net.here.datagram(flow.family, self._me.own, self._me.peer, data)
        elif step.kind is Kind.BEGIN:
            self._net.here.raw(self._me.way, echo(self._me, number))

    def got(self, seen: Seen) -> None:
        """The kernel takes notice."""

    def _stream(self, step: Step, number: int) -> None:
        me = self._me
        if step.kind is Kind.BEGIN:
            self._socket = self._net.here.connect(me.flow.family, me.own, me.peer, me.first)
        elif step.kind is Kind.DATA:
            if self._socket is None:
                self._socket = self._net.here.accepted(me.flow.family, me.own, me.peer)
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.send(packets.filled(me.trial, number, step.size))


class Hand:
    """Another host: its packets are made by hand, and leave by one link."""

    def __init__(self, me: Identity, net: Net, link: str) -> None:
        self._me = me
        self._net = net
        self._link = link
        self._next = me.first
        self._acknowledged = 0
        self._request = b""

    def send(self, step: Step, number: int) -> None:
        """Send what a step says."""
        if step.kind is Kind.ERROR:
            self._send(error(self._me, step, number, self._net.near(self._me.own[0])))
        elif step.kind is Kind.STRAY:
            self._send(stray(self._me, step, number))
        elif self._me.flow.protocol == TCP:
            self._stream(step, number)
        elif self._me.flow.protocol == UDP:
            data = packets.filled(self._me.trial, number, max(step.size, len(mark(0, 0))))
            made = packets.datagram(self._me.way, data)
            for piece in packets.fragments(self._me.way, UDP, made, self._me.trial << 4 | number):
                self._send(piece)
        elif step.kind is Kind.BEGIN:
            self._send(echo(self._me, number))
        else:
            self._send(self._echoed())

    def got(self, seen: Seen) -> None:
        """Acknowledge data, and remember what is to be answered."""
        if seen.protocol != TCP:
            self._request = self._request or seen.body
            return
        if not seen.whole or len(seen.body) < 20:
            return
        syn, length = seen.flags & SYN, len(seen.data)
        end = seen.numbers[0] + length + (1 if syn else 0)
        if syn or not self._acknowledged or end - self._acknowledged & 0xFFFFFFFF < 1 << 31:
            self._acknowledged = end & 0xFFFFFFFF
        if length:
            self._segment(ACK)

    def _stream(self, step: Step, number: int) -> None:
        if step.kind is Kind.BEGIN:
            self._segment(SYN)
        elif step.kind is Kind.ANSWER:
            self._segment(SYN | ACK)
        elif step.kind is Kind.CONFIRM:
            self._segment(ACK)
        else:
            data = packets.filled(self._me.trial, number, step.size)
            for start in range(0, len(data), _SEGMENT):
                self._segment(ACK | PSH, data[start : start + _SEGMENT])

    def _segment(self, flags: int, data: bytes = b"") -> None:
        acknowledged = self._acknowledged if flags & ACK else 0
        made = packets.segment(self._me.way, flags, self._next, acknowledged, data)
        self._send(packets.packet(self._me.way, TCP, made))
        self._next += len(data) + (1 if flags & SYN else 0)

    def _echoed(self) -> bytes:
        family = self._me.flow.family
        ident = int.from_bytes(self._request[4:8], "big")
        made = packets.icmp(self._me.way, ECHO[family][1], 0, ident, self._request[8:])
        return packets.packet(self._me.way, packets.protocol_of_icmp(family), made)

    def _send(self, packet: bytes) -> None:
        self._net.there.send(self._link, packet, self._me.flow.mac)


# ── packets that do not depend on how far a connection has come ──


def echo(me: Identity, number: int) -> bytes:
    """An echo request."""
    made = packets.icmp(me.way, ECHO[me.flow.family][0], 0, me.own[1] << 16 | 1, mark(me.trial, number))
    return packets.packet(me.way, packets.protocol_of_icmp(me.flow.family), made)


def stray(me: Identity, step: Step, number: int) -> bytes:
    """A packet of no connection."""
    protocol = me.flow.protocol
    if protocol == TCP:
        first = me.first + STRAY_NUMBER
        made = packets.segment(me.way, step.number, first, first + 1 if step.number & ACK else 0)
    elif protocol == UDP:
        made = packets.datagram(me.way, mark(me.trial, number))
    else:
        made = packets.icmp(me.way, step.number, 0, me.own[1] << 16 | 1, mark(me.trial, number))
    return packets.packet(me.way, protocol, made)


def error(me: Identity, step: Step, number: int, source: int) -> bytes:
    """An ICMP error from this side, or a router on the way to it, about a packet that came here."""
    family, back = me.flow.family, me.way.back
    if me.flow.protocol == TCP:
        start = packets.segment(back, ACK, me.first)[:20]
    elif me.flow.protocol == UDP:
        start = packets.datagram(back, b"." * 40)[:8]
    else:
        kind = ECHO[family][1 if me.role == ASKER else 0]
        start = packets.icmp(back, kind, 0, me.flow.asker_port << 16 | 1, b"")
    about = packets.packet(back, me.flow.protocol, start + mark(me.trial, number))
    router = me.way._replace(source=source)
    rest = _MTU if (step.number, step.code) in ((3, 4), (2, 0)) else 0
    made = packets.icmp(router, step.number, step.code, rest, about)
    return packets.packet(router, packets.protocol_of_icmp(family), made)
