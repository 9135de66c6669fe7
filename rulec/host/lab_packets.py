"""Packets as octets: made by hand, and read back.

Every packet of a trial carries its mark: the number of the trial and of the step
in its data, or, where a segment has none, in its sequence number.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from rulec.model import Family
from rulec.model.protocols import ICMP, ICMPV6, TCP, UDP

MTU = 1500
_FRAGMENT = 44
_FIRST, _SPAN, _TRIALS = {"asker": 0x20000000, "answerer": 0x60000000}, 17, 4096
_MARK = re.compile(rb"<rulec (\d{4}) (\d\d) (\d)>")
_ERRORS = {ICMP: (3, 4, 5, 11, 12), ICMPV6: (1, 2, 3, 4, 137)}
SYN, RST, PSH, ACK = 2, 4, 8, 16
"""Flags of TCP."""

MOST_TRIALS = _TRIALS
"""How many trials can be told apart by their marks."""


def mark(trial: int, step: int, part: int = 0) -> bytes:
    """The mark of a trial and a step; ``part`` 1 stands at the end of what is sent, 0 at its beginning."""
    return b"<rulec %04d %02d %d>" % (trial, step, part)


def filled(trial: int, step: int, size: int) -> bytes:
    """Data of some size with a mark at both ends."""
    head, tail = mark(trial, step, 0), mark(trial, step, 1)
    return head + b"." * max(size - len(head) - len(tail), 0) + tail


def sequence(trial: int, side: str) -> int:
    """The first sequence number of a side, by which its connection is known."""
    return _FIRST[side] + (trial << _SPAN)


class Seen(NamedTuple):
    """A packet that somebody got; ``place`` is the link where it came out, empty for this host itself."""

    place: str
    family: Family
    source: int
    destination: int
    protocol: int
    body: bytes
    whole: bool

    @property
    def ports(self) -> tuple[int, int]:
        """Source and destination port; of an echo its identifier stands for the port of the asker."""
        if not self.whole or len(self.body) < 8:
            return (0, 0)
        if self.protocol in (TCP, UDP):
            found: tuple[int, int] = struct.unpack_from("!HH", self.body)
            return found
        return int.from_bytes(self.body[4:6], "big"), 0

    @property
    def flags(self) -> int:
        """The flags of a segment."""
        return self.body[13] if self.protocol == TCP and self.whole and len(self.body) > 13 else 0

    @property
    def numbers(self) -> tuple[int, int]:
        """The sequence number of a segment, and what it acknowledges."""
        found: tuple[int, int] = struct.unpack_from("!II", self.body, 4)
        return found

    @property
    def data(self) -> bytes:
        """What a segment carries."""
        return self.body[(self.body[12] >> 4) * 4 :]

    @property
    def kind(self) -> tuple[int, int]:
        """Type and code of an ICMP packet."""
        return self.body[0], self.body[1]

    @property
    def is_error(self) -> bool:
        """Whether it is an ICMP error."""
        return self.whole and bool(self.body) and self.body[0] in _ERRORS.get(self.protocol, ())

    @property
    def marks(self) -> list[tuple[int, int, int]]:
        """The marks in it: trial, step, part."""
        return [(int(one), int(two), int(three)) for one, two, three in _MARK.findall(self.body)]

    @property
    def trials(self) -> list[int]:
        """The trials that it may belong to, the likeliest first."""
        marks = self.marks
        if marks:
            return [marks[0][0]]
        if self.is_error:
            return _inner_trials(self)
        if self.protocol != TCP or not self.whole or len(self.body) < 20:
            return []
        return [trial for _, trial in senders(self.flags, *self.numbers)]


def senders(flags: int, number: int, acknowledged: int) -> list[tuple[str, int]]:
    """Who may have sent a segment, and of which trial: one side at least has a first number that is known."""
    other = {"asker": "answerer", "answerer": "asker"}
    found = [(other[side], trial) for side, trial in _known(acknowledged)] if flags & ACK else []
    return [*found, *_known(number)]


def _known(value: int) -> list[tuple[str, int]]:
    """The side and the trial that a sequence number is of, as it seems; none where it is of neither."""
    return [
        (side, value - first >> _SPAN) for side, first in _FIRST.items() if first <= value < first + (_TRIALS << _SPAN)
    ]


def _inner_trials(error: Seen) -> list[int]:
    inner = error.body[8:]
    if len(inner) < 28:
        return []
    start, protocol = ((inner[0] & 15) * 4, inner[9]) if error.family is Family.IPV4 else (40, inner[6])
    if protocol != TCP or len(inner) < start + 8:
        return []
    return [trial for _, trial in _known(struct.unpack_from("!I", inner, start + 4)[0])]


# ── reading ──


def read(data: bytes, place: str) -> Seen | None:
    """A packet, from its IP header on; None where it is none."""
    if len(data) >= 20 and data[0] >> 4 == 4:
        start = (data[0] & 15) * 4
        offset = struct.unpack_from("!H", data, 6)[0] & 0x1FFF
        ends = (int.from_bytes(data[12:16], "big"), int.from_bytes(data[16:20], "big"))
        total = struct.unpack_from("!H", data, 2)[0]
        return Seen(place, Family.IPV4, *ends, data[9], data[start : total or None], offset == 0)
    if len(data) >= 40 and data[0] >> 4 == 6:
        return _read_ipv6(data, place)
    return None


def _read_ipv6(data: bytes, place: str) -> Seen:
    ends = (int.from_bytes(data[8:24], "big"), int.from_bytes(data[24:40], "big"))
    body = data[40 : 40 + struct.unpack_from("!H", data, 4)[0]]
    if data[6] == _FRAGMENT and len(body) >= 8:
        offset = struct.unpack_from("!H", body, 2)[0] & 0xFFF8
        return Seen(place, Family.IPV6, *ends, body[0], body[8:], offset == 0)
    return Seen(place, Family.IPV6, *ends, data[6], body, True)


# ── making ──


class Way(NamedTuple):
    """From where to where a packet goes."""

    family: Family
    source: int
    source_port: int
    destination: int
    destination_port: int

    @property
    def back(self) -> Way:
        """The way of what is sent back."""
        return Way(self.family, self.destination, self.destination_port, self.source, self.source_port)


def packet(way: Way, protocol: int, body: bytes) -> bytes:
    """An IP packet."""
    if way.family is Family.IPV4:
        return _header(way, protocol, len(body), 0x4000 if protocol == TCP else 0, 1) + body
    ends = _address(way.family, way.source) + _address(way.family, way.destination)
    return struct.pack("!IHBB", 6 << 28, len(body), protocol, 64) + ends + body


def fragments(way: Way, protocol: int, body: bytes, ident: int) -> Iterator[bytes]:
    """An IP packet in as many pieces as the link asks for."""
    room = MTU - (20 if way.family is Family.IPV4 else 48) & ~7
    if len(body) <= room:
        yield packet(way, protocol, body)
        return
    for start in range(0, len(body), room):
        piece, more = body[start : start + room], start + room < len(body)
        if way.family is Family.IPV4:
            yield _header(way, protocol, len(piece), start >> 3 | (0x2000 if more else 0), ident) + piece
        else:
            yield packet(way, _FRAGMENT, struct.pack("!BBHI", protocol, 0, start | more, ident) + piece)


def segment(way: Way, flags: int, number: int, acknowledged: int = 0, data: bytes = b"") -> bytes:
    """A TCP segment; one that begins a connection says how large segments may be."""
    options = struct.pack("!BBH", 2, 4, 1400) if flags & SYN else b""
    head = struct.pack("!HHII", way.source_port, way.destination_port, number & _ALL, acknowledged & _ALL)
    head += struct.pack("!BBHHH", 5 + len(options) // 4 << 4, flags, 65535, 0, 0)
    return _summed(way, TCP, head + options + data, 16)


_ALL = 0xFFFFFFFF


def datagram(way: Way, data: bytes) -> bytes:
    """A UDP datagram."""
    made = struct.pack("!HHHH", way.source_port, way.destination_port, 8 + len(data), 0) + data
    return _summed(way, UDP, made, 6)


def icmp(way: Way, kind: int, code: int, rest: int, data: bytes) -> bytes:
    """An ICMP packet of the family; ``rest`` is the second word of its header."""
    made = struct.pack("!BBHI", kind, code, 0, rest) + data
    if way.family is Family.IPV6:
        return _summed(way, ICMPV6, made, 2)
    return made[:2] + checksum(made).to_bytes(2, "big") + made[4:]


def protocol_of_icmp(family: Family) -> int:
    """The protocol of ICMP packets of a family."""
    return ICMP if family is Family.IPV4 else ICMPV6


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    total: int = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data.ljust(len(data) + 1 & ~1, b"\0")))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _summed(way: Way, protocol: int, made: bytes, at: int) -> bytes:
    ends = _address(way.family, way.source) + _address(way.family, way.destination)
    total = checksum(ends + struct.pack("!II", len(made), protocol) + made) or 0xFFFF
    return made[:at] + total.to_bytes(2, "big") + made[at + 2 :]


def _header(way: Way, protocol: int, length: int, where: int, ident: int) -> bytes:
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, ident & 0xFFFF, where, 64, protocol, 0)
    head += _address(way.family, way.source) + _address(way.family, way.destination)
    return head[:10] + checksum(head).to_bytes(2, "big") + head[12:]


def _address(family: Family, address: int) -> bytes:
    return address.to_bytes(family.bits // 8, "big")
