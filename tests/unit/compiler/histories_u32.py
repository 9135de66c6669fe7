"""What ``-m u32`` says of an ICMP error, worked out on its bytes (xt_u32.c)."""

from __future__ import annotations

import re
import struct
from ipaddress import IPv4Address

from tests.unit.compiler.histories_packet import Packet

_PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17}
_STEP = re.compile(r"(&|<<|>>|@)(0x[0-9A-Fa-f]+|\d+)")


def matches(packet: Packet, tests: str) -> bool:
    """Whether all tests hold; what lies behind the end of the packet makes no test hold."""
    data = _bytes(packet)
    return all(_holds(data, *test.split("=")) for test in tests.strip('"').split("&&"))


def _holds(data: bytes, location: str, ranges: str) -> bool:
    start = re.match(r"0x[0-9A-Fa-f]+|\d+", location)
    assert start is not None
    position, value = 0, _word(data, int(start[0], 0))
    for operator, number in _STEP.findall(location[start.end() :]):
        if value is None:
            return False
        operand = int(number, 0)
        if operator == "@":
            position += value
            value = _word(data, position + operand)
        else:
            value = {"&": value & operand, "<<": value << operand & 0xFFFFFFFF, ">>": value >> operand}[operator]
    return value is not None and any(_within(value, *each.split(":")) for each in ranges.split(","))


def _within(value: int, first: str, last: str = "") -> bool:
    return int(first, 0) <= value <= int(last or first, 0)


def _word(data: bytes, offset: int) -> int | None:
    return int.from_bytes(data[offset : offset + 4]) if offset + 4 <= len(data) else None


def _bytes(packet: Packet) -> bytes:
    """The packet as on the wire, without checksums; of what an error speaks of, eight bytes behind the header."""
    if packet.about is not None:
        inner = _bytes(packet.about)[:28]
        return _header(packet, 8 + len(inner)) + struct.pack("!BBHI", packet.kind, 0, 0, 0) + inner
    return _header(packet, 20) + struct.pack("!HHIIHHI", packet.sport, packet.dport, 1, 0, 0x5000, 0, 0)


def _header(packet: Packet, length: int) -> bytes:
    ends = (IPv4Address(end).packed for end in (packet.source, packet.destination))
    protocol = _PROTOCOLS[packet.protocol]
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + length, 0, 0, 64, protocol, 0, *ends)
