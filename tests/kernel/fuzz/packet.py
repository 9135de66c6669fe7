"""A packet: all that can be chosen of it, and the bytes that it makes."""

from __future__ import annotations

import struct
from dataclasses import dataclass, fields, replace
from functools import cached_property
from ipaddress import ip_address

from rulec.model import Family
from rulec.model.protocols import AH, DCCP, ESP, ICMP, ICMPV6, MOBILITY, SCTP, TCP, UDP, UDPLITE
from tests.kernel.fuzz.checksums import crc32c, internet

PORTED = (TCP, UDP, UDPLITE, SCTP, DCCP)
_HOP, _ROUTE, _FRAGMENT, _DESTINATION = 0, 43, 44, 60

FILLER = 62
"""An option of IPv6 headers that everybody skips (RFC 4727): Linux takes no more than 7 octets of padding."""


@dataclass(frozen=True)
class Extension:
    """An IPv6 extension header in front of the transport header.

    ``kind`` is hop, dst, route, frag or auth; ``size`` its length in octets;
    the other numbers are those that its kind has.
    """

    kind: str
    size: int = 8
    type: int = 0
    left: int = 0
    spi: int = 0
    reserved: int = 0
    options: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Fragment:
    """Which part of a packet it is: offset in octets, whether more follow, and of which packet."""

    offset: int
    more: bool
    ident: int
    reserved: int = 0


@dataclass(frozen=True)
class Packet:
    """A packet that arrives on the link ``via``, or, where that is empty, is sent by a program on the router."""

    family: Family
    via: str
    src: int
    dst: int
    proto: int
    sport: int = 0
    dport: int = 0
    flags: int = 2
    seq: int = 0
    ack: int = 0
    tcp_options: bytes = b""
    icmp_type: int = 0
    icmp_code: int = 0
    icmp_id: int = 0
    inner: Packet | None = None
    chunks: tuple[tuple[int, int], ...] = ()
    dccp_type: int = 0
    spi: int = 0
    ah_reserved: int = 0
    mh_type: int = 0
    tos: int = 0
    ttl: int = 64
    payload: int = 0
    words: int = 0
    extensions: tuple[Extension, ...] = ()
    fragment: Fragment | None = None
    mac: int = 0x020000000101
    link: str = "unicast"
    mark: int = 0
    uid: int = 0
    gid: int = 0

    @cached_property
    def data(self) -> bytes:
        """The packet as it is on the wire, from its IP header on."""
        return _ipv4(self) if self.family is Family.IPV4 else _ipv6(self)

    @property
    def length(self) -> int:
        """How many octets it has, its IP header included."""
        return len(self.data)

    def with_length(self, wanted: int) -> Packet:
        """The same with a payload that makes it so long, where that can be.

        Of UDP-Lite none is long: the kernel computes the checksum of a packet
        in several pieces wrongly (Linux 6.18, measured).
        """
        shortest = replace(self, payload=0).length
        most = 100 if self.proto == UDPLITE else 1400
        return replace(self, payload=min(max(wanted - shortest, 0), most)) if self.inner is None else self

    def __str__(self) -> str:
        shown = [f"{self.family.value} {self.via or 'own'} {_address(self, self.src)} > {_address(self, self.dst)}"]
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name not in ("family", "via", "src", "dst") and value != one.default:
                shown.append(f"{one.name}=({value})" if one.name == "inner" else f"{one.name}={value!r}")
        return " ".join(shown)


def _address(packet: Packet, address: int) -> str:
    return str(ip_address(_packed(packet.family, address)))


def _packed(family: Family, address: int) -> bytes:
    return address.to_bytes(family.bits // 8, "big")


# ── the IP header ──


def _ipv4(packet: Packet) -> bytes:
    body = _part(packet, _transport(packet))
    where = packet.fragment or Fragment(0, False, packet.seq & 0xFFFF)
    head = struct.pack(
        "!BBHHHBBH4s4s",
        0x45 + packet.words,
        packet.tos,
        20 + 4 * packet.words + len(body),
        where.ident & 0xFFFF,
        where.offset >> 3 | (0x2000 if where.more else 0),
        packet.ttl,
        packet.proto,
        0,
        _packed(packet.family, packet.src),
        _packed(packet.family, packet.dst),
    ) + b"\x01" * (4 * packet.words)
    return head[:10] + internet(head).to_bytes(2, "big") + head[12:] + body


def _ipv6(packet: Packet) -> bytes:
    body = _transport(packet)
    following, chain = packet.proto, b""
    for extension in reversed(packet.extensions):
        number, made = _extension(extension, following)
        following, chain = number, made + chain
    if packet.fragment is not None:
        where = packet.fragment
        following, body = (
            _FRAGMENT,
            struct.pack("!BBHI", following, where.reserved, where.offset | where.more, where.ident)
            + _part(packet, chain + body),
        )
        chain = b""
    head = struct.pack("!IHBB", 6 << 28 | packet.tos << 20, len(chain + body), following, packet.ttl)
    return head + _packed(packet.family, packet.src) + _packed(packet.family, packet.dst) + chain + body


def _part(packet: Packet, whole: bytes) -> bytes:
    """The octets of a fragment; those of the last one reach to the end."""
    if packet.fragment is None:
        return whole
    first = packet.fragment.offset
    filled = whole.ljust(64, b"\0")
    return filled[: len(filled) & ~7] if first == 0 and packet.fragment.more else filled[: 40 + first % 3 * 8]


def _extension(one: Extension, following: int) -> tuple[int, bytes]:
    """The number of an extension header, and the header."""
    if one.kind in ("hop", "dst"):
        body = b"".join(bytes((kind, length)) + bytes(length) for kind, length in one.options)
        missing = one.size - 2 - len(body)
        padding = bytes((FILLER, missing - 2)) + bytes(missing - 2) if missing > 1 else bytes(missing)
        made = bytes((following, one.size // 8 - 1)) + body + padding
        return (_HOP if one.kind == "hop" else _DESTINATION), made
    if one.kind == "route":
        return _ROUTE, bytes((following, one.size // 8 - 1, one.type, one.left)) + bytes(one.size - 4)
    if one.kind == "frag":
        return _FRAGMENT, struct.pack("!BBHI", following, one.reserved, 0, one.spi)
    return AH, struct.pack("!BBHII", following, one.size // 4 - 2, one.reserved, one.spi, 1) + bytes(one.size - 12)


# ── what it carries ──


def _transport(packet: Packet) -> bytes:
    make = _TRANSPORTS.get(packet.proto)
    filler = bytes(packet.payload)
    return filler if make is None else make(packet, filler)


def _pseudo(packet: Packet, length: int) -> bytes:
    """For UDP-Lite what connection tracking wants, though the standard wants its own number (Linux 6.18, measured)."""
    ends = _packed(packet.family, packet.src) + _packed(packet.family, packet.dst)
    return ends + struct.pack("!II", length, UDP if packet.proto == UDPLITE else packet.proto)


def _summed(packet: Packet, made: bytes, at: int) -> bytes:
    total = internet(_pseudo(packet, len(made)) + made)
    return made[:at] + total.to_bytes(2, "big") + made[at + 2 :]


def _tcp(packet: Packet, filler: bytes) -> bytes:
    options = packet.tcp_options.ljust(len(packet.tcp_options) + 3 & ~3, b"\0")
    words = 5 + len(options) // 4
    head = struct.pack(
        "!HHIIBBHHH", packet.sport, packet.dport, packet.seq, packet.ack, words << 4, packet.flags, 65535, 0, 0
    )
    return _summed(packet, head + options + filler, 16)


def _udp(packet: Packet, filler: bytes) -> bytes:
    made = struct.pack("!HHHH", packet.sport, packet.dport, 8 + len(filler), 0) + filler
    return _summed(packet, made, 6)


def _sctp(packet: Packet, filler: bytes) -> bytes:
    """INIT stands alone and has no tag (RFC 9260)."""
    tag = 0 if any(kind == 1 for kind, _ in packet.chunks) else 0x01020304
    head = struct.pack("!HHII", packet.sport, packet.dport, tag, 0)
    body = b"".join(_chunk(kind, flags) for kind, flags in packet.chunks)
    size = len(filler) & ~3
    if size:
        body += struct.pack("!BBH", 0, 3, 4 + size) + bytes(size)
    made = head + body
    return made[:8] + struct.pack("<I", crc32c(made)) + made[12:]


def _chunk(kind: int, flags: int) -> bytes:
    if kind in (1, 2):
        return struct.pack("!BBHIIHHI", kind, flags, 20, 0x01020304, 65535, 1, 1, 1)
    return struct.pack("!BBHIII", kind, flags, 16, 1, 0, 0)


def _dccp(packet: Packet, filler: bytes) -> bytes:
    head = struct.pack("!HHBBHB3sII", packet.sport, packet.dport, 6, 0, 0, packet.dccp_type << 1 | 1, b"", 1, 0)
    made = head.ljust(24, b"\0") + filler
    return _summed(packet, made, 6)


def _icmp(packet: Packet, filler: bytes) -> bytes:
    body = packet.inner.data[: 20 + 40 + 8] if packet.inner is not None else filler
    rest = 0 if packet.inner is not None else packet.icmp_id << 16 | 1
    made = struct.pack("!BBHI", packet.icmp_type, packet.icmp_code, 0, rest) + body
    if packet.proto == ICMP:
        return made[:2] + internet(made).to_bytes(2, "big") + made[4:]
    return _summed(packet, made, 2)


def _esp(packet: Packet, filler: bytes) -> bytes:
    return struct.pack("!II", packet.spi, 1) + filler


def _ah(packet: Packet, filler: bytes) -> bytes:
    return struct.pack("!BBHIII", 59, 2, packet.ah_reserved, packet.spi, 1, 0) + filler


def _mobility(packet: Packet, filler: bytes) -> bytes:
    filled = filler[: len(filler) & ~7]
    made = struct.pack("!BBBBHH", 59, len(filled) // 8, packet.mh_type, 0, 0, 0) + filled
    return _summed(packet, made, 4)


_TRANSPORTS = {
    TCP: _tcp,
    UDP: _udp,
    UDPLITE: _udp,
    SCTP: _sctp,
    DCCP: _dccp,
    ICMP: _icmp,
    ICMPV6: _icmp,
    ESP: _esp,
    AH: _ah,
    MOBILITY: _mobility,
}
