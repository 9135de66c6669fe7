"""A packet as the space of packets has it: a number or a word for every field."""

from __future__ import annotations

from rulec.model import Family
from rulec.model.protocols import AH, DCCP, ESP, ICMP, ICMPV6, MOBILITY, SCTP, TCP
from rulec.packetset.names import mac_text
from tests.kernel.fuzz.packet import PORTED, Extension, Packet
from tests.kernel.fuzz.topology import route
from tests.kernel.fuzz.tracking import View

Fields = dict[str, int | str]

_LENGTHS = {"hop": "hop_len", "dst": "dst_len", "route": "rt_len"}


def fields_of(packet: Packet, view: View, backend: str = "legacy") -> Fields:
    """What a packet is as it comes to the host, and what connection tracking says of it.

    To the nft back end an authentication header of IPv6 is the protocol, and
    nothing is known of what is behind it (nf_tables_ipv6.h; measured).
    """
    hidden = backend == "nft" and any(one.kind == "auth" for one in packet.extensions)
    found: Fields = {
        "src": packet.src,
        "dst": packet.dst,
        "proto": AH if hidden else packet.proto,
        "tos": packet.tos,
        "ttl": packet.ttl,
        "length": packet.length,
        "mark": packet.mark,
        "prior": "nothing",
        "physin": "",
        "physout": "",
    }
    found.update(_link(packet))
    found.update({} if hidden else _header(packet))
    found.update(_extensions(packet))
    found.update(_fragment(packet))
    found.update({} if hidden else _inner(packet))
    found.update(view.fields())
    return found


def _link(packet: Packet) -> Fields:
    """Where it comes from and where it goes; what the routing tables say of its addresses."""
    to = route(packet.family, packet.dst)
    found: Fields = {"src_type": route(packet.family, packet.src).kind, "dst_type": to.kind, "iif": packet.via}
    local = to.kind in ("LOCAL", "ANYCAST") or (packet.via and to.kind in ("BROADCAST", "MULTICAST"))
    found["oif"] = ("" if packet.via else "lo") if local else to.link
    if packet.via:
        return found | {"mac": mac_text(packet.mac), "has_mac": 1, "pkttype": packet.link}
    return found | {"uid": packet.uid, "gid": packet.gid, "has_socket": 1, "pkttype": "unicast"}


def _header(packet: Packet) -> Fields:
    """The header of the protocol; a later fragment holds none."""
    if packet.fragment is not None and packet.fragment.offset:
        return {}
    found: Fields = {}
    if packet.proto in PORTED:
        found = {"sport": packet.sport, "dport": packet.dport}
    if packet.proto == TCP:
        found["tcp_flags"] = packet.flags
        found.update(_segment_size(packet.tcp_options))
    elif packet.proto in (ICMP, ICMPV6):
        found |= {"icmp_type": packet.icmp_type, "icmp_code": packet.icmp_code}
    elif packet.proto == SCTP:
        data = bool(packet.payload & ~3)
        kinds = [kind for kind, _ in packet.chunks] + [0] * data
        found |= {"sctp_chunk": kinds[0] if kinds else 0, "sctp_more": int(len(kinds) > 1)}
    elif packet.proto == DCCP:
        found["dccp_type"] = packet.dccp_type
    elif packet.proto == ESP:
        found["spi"] = packet.spi
    elif packet.proto == AH:
        found |= {"ah_spi": packet.spi, "ah_reserved": packet.ah_reserved, "ah_len": 2}
    elif packet.proto == MOBILITY:
        found["mh_type"] = packet.mh_type
    return found


def _segment_size(options: bytes) -> Fields:
    at = 0
    while at < len(options) and options[at]:
        if options[at] == 2:
            return {"has_mss": 1, "mss": int.from_bytes(options[at + 2 : at + 4], "big")}
        at += 1 if options[at] == 1 else options[at + 1]
    return {}


def _extensions(packet: Packet) -> Fields:
    """The first header of each kind is the one that counts."""
    found: Fields = {}
    for one in reversed(packet.extensions):
        found |= {f"has_{one.kind}": 1, **_extension(one)}
    return found


def _extension(one: Extension) -> Fields:
    if one.kind == "auth":
        return {"ah_spi": one.spi, "ah_reserved": one.reserved, "ah_len": one.size // 4 - 2}
    if one.kind == "frag":
        return {"frag_id": one.spi, "frag_reserved": one.reserved}
    found: Fields = {_LENGTHS[one.kind]: one.size // 8 - 1}
    return found | ({"rt_type": one.type, "rt_left": one.left} if one.kind == "route" else {})


def _fragment(packet: Packet) -> Fields:
    where = packet.fragment
    if where is None:
        return {}
    found: Fields = {"later_fragment": int(where.offset > 0), "more_fragments": int(where.more)}
    if packet.family is Family.IPV6:
        found |= {"has_frag": 1, "frag_id": where.ident, "frag_reserved": where.reserved}
    return found


def _inner(packet: Packet) -> Fields:
    inner = packet.inner
    if inner is None:
        return {}
    found: Fields = {"inner_proto": inner.proto, "inner_src": inner.src, "inner_dst": inner.dst}
    return found | ({"inner_sport": inner.sport, "inner_dport": inner.dport} if inner.proto in PORTED else {})
