"""Random packets, and packets bent to be what somebody wants."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rulec.model import Family
from rulec.model.protocols import AH, DCCP, ESP, ICMP, ICMPV6, MOBILITY, SCTP, TCP, UDP, UDPLITE
from tests.kernel.fuzz.matches import ICMP_TYPES
from tests.kernel.fuzz.packet import PORTED, Extension, Fragment, Packet
from tests.kernel.fuzz.topology import GROUPS, HOSTS, LINKS, LOCAL, NOWHERE, route
from tests.kernel.fuzz.values import HOPS, INDEXES, LENGTHS, MACS, MARKS, PORTS, SMALL, USERS, Values

PATHS = ("input", "forward", "output")

_PROTOCOLS = (TCP,) * 7 + (UDP,) * 5 + (0,) * 3 + (SCTP, SCTP, DCCP, DCCP, UDPLITE, ESP, ESP, 47, 253, 2)
_ONLY = {Family.IPV4: (AH, AH), Family.IPV6: (MOBILITY, MOBILITY, 59)}
_COMMON_FLAGS = (2, 2, 2, 2, 2, 0x10, 0x18, 0x12, 0x11, 0x04, 0x14, 0x42, 0xC2, 0x29, 0x00, 0x03)
_CHUNKS = (((1, 0),), ((1, 0),), ((0, 3),), ((3, 0),), ((2, 0),), ((10, 0), (0, 3)), ((6, 0),), ((0, 3), (0, 3)))

ERRORS = {
    Family.IPV4: ((3, 1), (3, 3), (3, 4), (11, 0), (12, 0)),
    Family.IPV6: ((1, 0), (1, 4), (2, 0), (3, 0), (4, 1)),
}


def random_packet(values: Values, path: str, fragments: bool) -> Packet:
    """A packet that takes a path; ``fragments`` says whether it may be a part of a packet."""
    family = values.family
    via, src, dst = _ends(values, path)
    proto = values.one(_PROTOCOLS + _ONLY[family])
    packet = Packet(family, via, src, dst, proto or (ICMP if family is Family.IPV4 else ICMPV6))
    packet = _with_header(values, packet)
    packet = replace(
        packet,
        tos=values.near(SMALL, 255) if values.chance(0.5) else 0,
        ttl=max(values.near(HOPS, 255), 1) if values.chance(0.5) else 64,
        mac=values.one(MACS),
        seq=values.random.getrandbits(31) | 1,
        ack=0,
    )
    if not via:
        packet = replace(packet, uid=values.one(USERS), gid=values.one(USERS))
        packet = replace(packet, mark=values.near(MARKS, 0xFFFFFFFF) if values.chance(0.5) else 0)
    elif path == "input" and values.chance(0.1) and packet.proto != TCP:
        packet = replace(packet, link=values.one(("broadcast", "multicast")))
    if family is Family.IPV6 and values.chance(0.35):
        packet = replace(packet, extensions=_extensions(values, fragments))
    if family is Family.IPV4 and values.chance(0.1):
        packet = replace(packet, words=values.one((1, 2)))
    if fragments and values.chance(0.15):
        offset = values.one((0, 16, 64, 1480))
        where = Fragment(offset, offset == 0 or values.chance(0.5), values.one(INDEXES))
        packet = replace(packet, fragment=where, extensions=() if offset else packet.extensions)
    return packet.with_length(values.near(LENGTHS, 1400)) if values.chance(0.6) else packet


def _ends(values: Values, path: str) -> tuple[str, int, int]:
    family, link = values.family, values.one(LINKS)
    local, hosts = values.one(LOCAL[family]), HOSTS[family]
    if path == "output":
        return "", local, values.one(hosts[link])
    src = values.one(hosts[link]) if values.chance(0.8) else values.one(hosts[values.one(LINKS)])
    if path == "input":
        return link, src, values.one(GROUPS[family]) if values.chance(0.08) else local
    if values.chance(0.04):
        return link, src, values.one(NOWHERE[family])
    return link, src, values.one(hosts[values.one(LINKS)])


def _with_header(values: Values, packet: Packet) -> Packet:
    """A random header for the protocol of a packet."""
    proto = packet.proto
    if proto in PORTED:
        packet = replace(packet, sport=values.near(PORTS, 65535), dport=values.near(PORTS, 65535))
    if proto == TCP:
        options = b"\x02\x04" + values.near((536, 1400, 1460, 0, 65535), 65535).to_bytes(2, "big")
        options = values.one((b"", options, b"\x01\x01" + options, options + b"\x03\x03\x02", b"\x04\x02"))
        return replace(packet, flags=values.one(_COMMON_FLAGS), tcp_options=options)
    if proto in (ICMP, ICMPV6):
        kind = values.one((*ICMP_TYPES[packet.family], *_ECHO[packet.family]))
        packet = replace(packet, icmp_type=kind, icmp_id=values.random.randrange(1, 255))
        return replace(packet, icmp_code=values.one((0, 0, 1, 3, 4, 5)), payload=values.one((0, 8, 56)))
    if proto == SCTP:
        return replace(packet, chunks=values.one(_CHUNKS))
    if proto == DCCP:
        return replace(packet, dccp_type=values.one((0, 1, 2, 3, 4, 6, 7, 8, 10, 15)))
    if proto in (ESP, AH):
        return replace(packet, spi=values.near(INDEXES, 0xFFFFFFFF), ah_reserved=values.one((0, 0, 5)) * (proto == AH))
    if proto == MOBILITY:
        return replace(packet, mh_type=values.near((0, 1, 2, 3, 5, 7), 255))
    return replace(packet, payload=values.one((0, 16)))


_NOT_LAST = (0, 43, 44, AH, 60)
"""Extension headers of IPv6, which are no protocols there."""

_ECHO = {Family.IPV4: (8, 8, 8, 0), Family.IPV6: (128, 128, 128, 129)}


def _extensions(values: Values, fragments: bool) -> tuple[Extension, ...]:
    kinds = [kind for kind in ("hop", "dst", "route", "auth") if values.chance(0.4)]
    if fragments and values.chance(0.2):
        kinds.append("frag")
    return tuple(_extension(values, kind) for kind in kinds)


def _extension(values: Values, kind: str) -> Extension:
    if kind == "auth":
        return Extension(
            kind, values.one((12, 16, 24)), spi=values.near(INDEXES, 0xFFFFFFFF), reserved=values.one((0, 5))
        )
    if kind == "route":
        return Extension(kind, values.one((8, 24)), type=values.one((0, 2, 3)), left=values.one((0, 1, 2)))
    if kind == "frag":
        return Extension(kind, spi=values.one(INDEXES), reserved=0)
    return Extension(kind, values.one((8, 16, 24)), options=values.one(((), ((5, 2),), ((30, 4),))))


# ── bent to a wish ──


def bent(values: Values, packet: Packet, wanted: dict[str, Any], fragments: bool) -> Packet:
    """The packet with its fields as wanted, as far as packets can have them."""
    if wanted["proto"] != packet.proto and not (packet.family is Family.IPV6 and wanted["proto"] in _NOT_LAST):
        packet = _with_header(values, replace(packet, proto=wanted["proto"], inner=None))
    packet = _at_ends(values, packet, wanted)
    same = {name: wanted[name] for name in ("tos", "icmp_type", "icmp_code", "dccp_type", "mh_type")}
    packet = replace(packet, **same, ttl=max(wanted["ttl"], 1))
    packet = replace(packet, flags=wanted["tcp_flags"], sport=wanted["sport"], dport=wanted["dport"])
    packet = _in_detail(packet, wanted)
    if packet.via:
        link = wanted["pkttype"] if wanted["pkttype"] in ("unicast", "broadcast", "multicast") else packet.link
        packet = replace(packet, mac=int(wanted["mac"].replace(":", ""), 16), link=link)
    else:
        packet = replace(packet, mark=wanted["mark"], uid=wanted["uid"] % 65535, gid=wanted["gid"] % 65535)
    if packet.family is Family.IPV6:
        packet = _with_extensions(values, packet, wanted)
    if fragments:
        packet = _as_fragment(values, packet, wanted)
    return packet.with_length(wanted["length"]) if wanted["length"] != packet.length else packet


def _at_ends(values: Values, packet: Packet, wanted: dict[str, Any]) -> Packet:
    """The addresses; an interface or a type of address is had by an address for which it is so."""
    src, dst = wanted["src"], wanted["dst"]
    via = wanted["iif"] if packet.via and wanted["iif"] in LINKS else packet.via
    if route(packet.family, dst).kind != wanted["dst_type"]:
        dst = _of_type(values, wanted["dst_type"], dst)
    elif wanted["oif"] in LINKS and route(packet.family, dst).link != wanted["oif"]:
        dst = values.one(HOSTS[packet.family][wanted["oif"]])
    if route(packet.family, src).kind != wanted["src_type"] and via:
        src = _of_type(values, wanted["src_type"], src)
    return replace(packet, src=src, dst=dst, via=via)


def _of_type(values: Values, kind: str, address: int) -> int:
    found = [one for one in set(values.addresses) if route(values.family, one).kind == kind]
    return values.one(sorted(found)) if found else address


def _in_detail(packet: Packet, wanted: dict[str, Any]) -> Packet:
    """The header of the protocol."""
    if packet.proto == TCP and wanted["has_mss"]:
        return replace(packet, tcp_options=b"\x02\x04" + wanted["mss"].to_bytes(2, "big"))
    if packet.proto == TCP:
        keeps = packet.tcp_options[:1] not in (b"\x02", b"\x01")
        return packet if keeps else replace(packet, tcp_options=b"")
    if packet.proto == SCTP and (not packet.chunks or packet.chunks[0][0] != wanted["sctp_chunk"]):
        more = ((3, 0),) if wanted["sctp_more"] else ()
        return replace(packet, chunks=((wanted["sctp_chunk"], 0), *more))
    if packet.proto == ESP:
        return replace(packet, spi=wanted["spi"])
    if packet.proto == AH:
        return replace(packet, spi=wanted["ah_spi"], ah_reserved=wanted["ah_reserved"])
    return packet


def _with_extensions(values: Values, packet: Packet, wanted: dict[str, Any]) -> Packet:
    """The extension headers, in the order of RFC 8200."""
    had = {one.kind: one for one in packet.extensions}
    chosen = []
    for kind in ("hop", "dst", "route", "auth"):
        if wanted[f"has_{kind}"]:
            one = had.get(kind) or _extension(values, kind)
            chosen.append(_like(one, wanted))
    frag = had.get("frag")
    return replace(packet, extensions=(*chosen, *([frag] if frag is not None else [])))


def _like(one: Extension, wanted: dict[str, Any]) -> Extension:
    if one.kind == "auth":
        size = 4 * wanted["ah_len"] + 8
        return replace(one, spi=wanted["ah_spi"], reserved=wanted["ah_reserved"], size=size if 12 <= size <= 64 else 12)
    size = 8 * (wanted[{"hop": "hop_len", "dst": "dst_len", "route": "rt_len"}[one.kind]] + 1)
    one = replace(one, size=size if size <= 64 else 8)
    if one.kind == "route":
        return replace(one, type=wanted["rt_type"], left=wanted["rt_left"])
    return one if sum(length + 2 for _, length in one.options) <= one.size - 2 else replace(one, options=())


def _with_whole_fragment(packet: Packet, wanted: dict[str, Any]) -> Packet:
    """With the header of a fragment that is the whole packet (RFC 6946)."""
    if packet.family is Family.IPV4 or packet.fragment is not None:
        return packet
    kept = tuple(one for one in packet.extensions if one.kind != "frag")
    frag = Extension("frag", spi=wanted["frag_id"], reserved=wanted["frag_reserved"])
    return replace(packet, extensions=(*kept, frag))


def _as_fragment(values: Values, packet: Packet, wanted: dict[str, Any]) -> Packet:
    if not (wanted["later_fragment"] or wanted["more_fragments"]):
        return _with_whole_fragment(packet, wanted) if wanted.get("has_frag") else packet
    offset = values.one((16, 64)) if wanted["later_fragment"] else 0
    where = Fragment(offset, bool(wanted["more_fragments"]), wanted["frag_id"], wanted["frag_reserved"])
    kept = () if offset else tuple(one for one in packet.extensions if one.kind != "frag")
    return replace(packet, fragment=where, extensions=kept)
