"""Packets that are made by hand are what others take them for, and are found again by their marks."""

from __future__ import annotations

import socket

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, defragment
from scapy.layers.inet6 import ICMPv6PacketTooBig, IPv6, IPv6ExtHdrFragment

from rulec.host import lab_packets as packets
from rulec.host.lab_packets import ACK, RST, SYN, Seen, Way, mark, read, sequence
from rulec.model import Family
from rulec.model.protocols import TCP as TCP_NUMBER
from rulec.model.protocols import UDP as UDP_NUMBER
from tests.unit.host.values import number

WAYS = {
    Family.IPV4: Way(Family.IPV4, number("198.51.100.7"), 40000, number("192.0.2.1"), 80),
    Family.IPV6: Way(Family.IPV6, number("2001:db8::7"), 40000, number("2001:db8::1"), 80),
}
FAMILY = pytest.mark.parametrize("family", Family)


def dissected(family: Family, data: bytes) -> IP | IPv6:
    return IP(data) if family is Family.IPV4 else IPv6(data)


def seen(data: bytes, place: str = "eth0") -> Seen:
    found = read(data, place)
    assert found is not None
    return found


@FAMILY
def test_segment(family: Family) -> None:
    way = WAYS[family]
    found = dissected(family, packets.packet(way, TCP_NUMBER, packets.segment(way, SYN, 5, 0)))
    assert (found[TCP].sport, found[TCP].dport, found[TCP].flags, found[TCP].seq) == (40000, 80, "S", 5)
    assert found[TCP].options == [("MSS", 1400)]


@FAMILY
@pytest.mark.parametrize("protocol", ["tcp", "udp", "icmp"])
def test_checksums_are_those_that_scapy_computes(family: Family, protocol: str) -> None:
    way, data = WAYS[family], b"odd"
    number_of, made = {
        "tcp": (TCP_NUMBER, packets.segment(way, ACK, 1, 2, data)),
        "udp": (UDP_NUMBER, packets.datagram(way, data)),
        "icmp": (packets.protocol_of_icmp(family), packets.icmp(way, 128 if family is Family.IPV6 else 8, 0, 1, data)),
    }[protocol]
    sent = packets.packet(way, number_of, made)
    again = dissected(family, sent)
    delattr(again.payload, "cksum" if (family, protocol) == (Family.IPV6, "icmp") else "chksum")
    assert bytes(again) == sent


@FAMILY
def test_fragments_make_one_datagram(family: Family) -> None:
    way = WAYS[family]
    made = packets.datagram(way, packets.filled(3, 1, 4000))
    pieces = list(packets.fragments(way, UDP_NUMBER, made, 77))
    assert len(pieces) == 3
    assert all(len(piece) <= packets.MTU for piece in pieces)
    if family is Family.IPV4:
        [whole] = defragment([IP(piece) for piece in pieces])  # type: ignore[no-untyped-call]
        assert bytes(whole[UDP]) == made
    else:
        parts = [IPv6(piece)[IPv6ExtHdrFragment] for piece in pieces]
        assert b"".join(bytes(part.payload) for part in parts) == made
        assert [(part.offset * 8, part.m) for part in parts] == [(0, 1), (1448, 1), (2896, 0)]


@FAMILY
def test_is_found_by_the_marks_in_its_data(family: Family) -> None:
    way = WAYS[family]
    pieces = packets.fragments(way, UDP_NUMBER, packets.datagram(way, packets.filled(12, 3, 4000)), 77)
    first, _, last = (seen(piece) for piece in pieces)
    assert first.trials == [12]
    assert (first.marks, last.marks) == ([(12, 3, 0)], [(12, 3, 1)])
    assert (first.ports, last.ports) == ((40000, 80), (0, 0))


@FAMILY
@pytest.mark.parametrize(
    ("flags", "numbers"),
    [
        (SYN, (sequence(9, "asker"), 0)),
        (SYN | ACK, (4711, sequence(9, "asker") + 1)),
        (ACK, (sequence(9, "asker") + 1, sequence(9, "answerer") + 1)),
        (RST, (sequence(9, "answerer"), 0)),
    ],
)
def test_a_segment_without_data_is_found_by_its_numbers(family: Family, flags: int, numbers: tuple[int, int]) -> None:
    way = WAYS[family]
    found = seen(packets.packet(way, TCP_NUMBER, packets.segment(way, flags, *numbers)))
    assert (found.flags, found.numbers) == (flags, numbers)
    assert 9 in found.trials


@FAMILY
def test_an_error_of_the_kernel_is_found_by_what_it_is_about(family: Family) -> None:
    way = WAYS[family]
    sent = packets.packet(way, TCP_NUMBER, packets.segment(way, SYN, sequence(5, "asker")))
    kind = 3 if family is Family.IPV4 else 1
    error = packets.icmp(way.back, kind, 0, 0, sent)
    found = seen(packets.packet(way.back, packets.protocol_of_icmp(family), error))
    assert found.is_error
    assert found.trials == [5]


@FAMILY
def test_what_is_of_no_trial_is_left_alone(family: Family) -> None:
    way = WAYS[family]
    assert seen(packets.packet(way, UDP_NUMBER, packets.datagram(way, b"something"))).trials == []
    assert seen(packets.packet(way, TCP_NUMBER, packets.segment(way, SYN, 4711))).trials == []
    assert read(b"", "eth0") is None
    assert read(b"\x01" * 60, "eth0") is None


def test_echo_keeps_its_identifier() -> None:
    way = WAYS[Family.IPV4]
    made = packets.packet(way, socket.IPPROTO_ICMP, packets.icmp(way, 8, 0, 7 << 16 | 1, mark(1, 0)))
    assert (IP(made)[ICMP].id, seen(made).ports) == (7, (7, 0))


def test_too_big_says_how_big() -> None:
    way = WAYS[Family.IPV6]
    made = packets.packet(way, socket.IPPROTO_ICMPV6, packets.icmp(way, 2, 0, 1400, bytes(48)))
    assert IPv6(made)[ICMPv6PacketTooBig].mtu == 1400
