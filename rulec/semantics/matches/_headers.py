"""Which field of a packet stands where in its headers, for those who read bytes.

An IPv4 header may be longer than 20 bytes, so what is behind it is counted from
its end.  The packet that an ICMP error brings along has a header again.
Well-formed packets are meant: those that hold at least the header of their
protocol, and of an embedded packet the ports (RFC 792, RFC 4443).
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from rulec.model import Family
from rulec.model.protocols import AH, DCCP, ESP, ICMP, ICMPV6, SCTP, TCP, UDP, UDPLITE
from rulec.packetset.fields import EXTENSION_HEADERS
from rulec.packetset.packetset import PacketSet
from rulec.packetset.vector import Vector
from rulec.semantics.nat import WITH_PORTS
from rulec.semantics.place import Place

ERRORS = {Family.IPV4: (3, 4, 5, 11, 12), Family.IPV6: (1, 2, 3, 4)}
"""The types of ICMP messages that embed the packet that they are about."""

_HEADER_LENGTHS = {Family.IPV4: 20, Family.IPV6: 40}
_ICMP = {Family.IPV4: ICMP, Family.IPV6: ICMPV6}
_LENGTHS = {TCP: 20, UDP: 8, UDPLITE: 8, SCTP: 16, DCCP: 12, ESP: 8, AH: 12}
"""Bytes of the shortest header of a protocol; SCTP with the first chunk."""

_BEHIND_ICMP = 64
"""Bits of the header of ICMP."""


class Area(Enum):
    """From where bytes are counted; for IPv6 all are counted from the beginning of the packet."""

    PACKET = "the beginning of the packet"
    PAYLOAD = "the end of its IPv4 header"
    EMBEDDED = "8 bytes before the end of the IPv4 header embedded in the payload"


BEHIND_HEADERS = {(Area.PACKET, 0): Area.PAYLOAD, (Area.PAYLOAD, 8): Area.EMBEDDED}
"""Where IPv4 headers begin, by area and byte, and the area behind them."""

_ENDS_OF_ERRORS = {
    (Family.IPV4, Area.PAYLOAD): 8 + 20 + 8,
    (Family.IPV4, Area.EMBEDDED): 8 + 8,
    (Family.IPV6, Area.PACKET): 40 + 8 + 40 + 8,
}
"""Bytes that an ICMP error holds at least."""


class Part(NamedTuple):
    """What stands from a bit on, in the packets of a set."""

    packets: PacketSet
    first: int
    number: Vector


def parts(place: Place, area: Area) -> Iterator[Part]:
    """What is known of an area; of two parts in one place the former counts."""
    if place.family is Family.IPV6:
        yield from _ipv6_header(place)
        yield from _payload(place, 320)
        yield from _embedded_ports(place, 320 + _BEHIND_ICMP + 320)
    elif area is Area.PACKET:
        yield from _ipv4_header(place)
    elif area is Area.PAYLOAD:
        yield from _payload(place, 0)
    else:
        yield from _embedded_ports(place, _BEHIND_ICMP)


def reaches(place: Place, area: Area, end: int) -> PacketSet:
    """The packets that have all bytes of an area before ``end``."""
    if area is not Area.PACKET:
        return place.unknown(("reaches", area, end)) | _complete(place, area, end)
    if end <= _HEADER_LENGTHS[place.family]:
        return place.space.everything
    enough = place.field("length").between(end, 2**16 - 1)
    return enough if place.family is Family.IPV4 else enough | _complete(place, area, end)


def _complete(place: Place, area: Area, end: int) -> PacketSet:
    """The packets that are long enough because they are well-formed."""
    before = 40 if place.family is Family.IPV6 else 0
    lengths = {**_LENGTHS, _ICMP[place.family]: 8} if area is not Area.EMBEDDED else {}
    found = place.protocol(*(number for number, length in lengths.items() if end <= before + length))
    if end <= _ENDS_OF_ERRORS[place.family, area]:
        found |= _is_error(place)
    return found & _plain(place)


# ── which packets ──


def _plain(place: Place) -> PacketSet:
    """The packets whose payload begins where it is expected: with the header of the protocol."""
    if place.family is Family.IPV4:
        return place.has_header
    return place.has_header - place.space.union(place.flag(f"has_{header}") for header in EXTENSION_HEADERS)


def _is_error(place: Place) -> PacketSet:
    return place.protocol(_ICMP[place.family]) & place.field("icmp_type").among(ERRORS[place.family])


# ── the headers ──


def _ipv4_header(place: Place) -> Iterator[Part]:
    everything = place.space.everything
    yield Part(everything, 0, place.space.constant(4, 4))
    yield Part(everything, 51, _fragment_offset(place))
    fields = ("tos", 8), ("length", 16), ("more_fragments", 50), ("ttl", 64), ("proto", 72), ("src", 96), ("dst", 128)
    for name, first in fields:
        yield Part(everything, first, place.field(name))


def _fragment_offset(place: Place) -> Vector:
    """Not 0 in later fragments, 0 in all other packets."""
    later = place.flag("later_fragment")
    bits = [place.unknown(("fragment offset", bit)) for bit in range(12)]
    last = place.unknown(("fragment offset", 12)) | ~place.space.union(bits)
    return Vector(place.space, tuple([(later & bit).function for bit in (*bits, last)]))


def _ipv6_header(place: Place) -> Iterator[Part]:
    everything = place.space.everything
    yield Part(everything, 0, place.space.constant(4, 6))
    yield Part(everything, 32, place.field("length").lowered(40))
    yield Part(_plain(place), 48, place.field("proto"))
    for name, first in (("tos", 4), ("ttl", 56), ("src", 64), ("dst", 192)):
        yield Part(everything, first, place.field(name))


def _payload(place: Place, first: int) -> Iterator[Part]:
    """The header of the protocol, and the header of the packet that an ICMP error embeds."""
    plain = _plain(place)
    with_ports, icmp = plain & place.protocol(*WITH_PORTS), plain & place.protocol(_ICMP[place.family])
    yield Part(with_ports, first, place.field("sport"))
    yield Part(with_ports, first + 16, place.field("dport"))
    yield Part(icmp, first, place.field("icmp_type"))
    yield Part(icmp, first + 8, place.field("icmp_code"))
    for number, name, place_in_header in _IN_HEADERS:
        yield Part(plain & place.protocol(number), first + place_in_header, place.field(name))
    yield from _embedded_header(place, first + _BEHIND_ICMP)


_IN_HEADERS = (
    (TCP, "tcp_flags", 104),
    (SCTP, "sctp_chunk", 96),
    (DCCP, "dccp_type", 67),
    (ESP, "spi", 0),
    (AH, "ah_spi", 32),
)
"""Protocol, field, and at which bit of the header it stands."""


def _embedded_header(place: Place, first: int) -> Iterator[Part]:
    error = _plain(place) & _is_error(place)
    version, protocol, source, destination = (4, 72, 96, 128) if place.family is Family.IPV4 else (6, 48, 64, 192)
    yield Part(error, first, place.space.constant(4, version))
    yield Part(error, first + protocol, place.field("inner_proto"))
    yield Part(error, first + source, place.field("inner_src"))
    yield Part(error, first + destination, place.field("inner_dst"))


def _embedded_ports(place: Place, first: int) -> Iterator[Part]:
    packets = _plain(place) & _is_error(place) & place.field("inner_proto").among(WITH_PORTS)
    yield Part(packets, first, place.field("inner_sport"))
    yield Part(packets, first + 16, place.field("inner_dport"))
