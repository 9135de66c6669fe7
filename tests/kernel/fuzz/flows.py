"""Packets that belong together: answers, handshakes, errors about others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from rulec.model import Family
from rulec.model.protocols import ICMP, ICMPV6, TCP
from tests.kernel.fuzz.packet import Packet
from tests.kernel.fuzz.packets import ERRORS
from tests.kernel.fuzz.topology import HOSTS, LOCAL, route
from tests.kernel.fuzz.values import MACS, USERS, Values

_ANSWERS = {8: 0, 13: 14, 15: 16, 17: 18, 128: 129, 139: 140}
_ASKS = {answer: ask for ask, answer in _ANSWERS.items()}

SYN, ACK, FIN, PSH, RST = 2, 16, 1, 8, 4


def answer(packet: Packet) -> Packet | None:
    """A packet of the other direction; None where nobody could send one."""
    via = _from(packet)
    if via is None:
        return None
    back = replace(
        packet, via=via, src=packet.dst, dst=packet.src, sport=packet.dport, dport=packet.sport, link="unicast", mark=0,
        fragment=None, words=0, extensions=(), inner=None,
    )  # fmt: skip
    if packet.proto in (ICMP, ICMPV6):
        kind = _ANSWERS.get(packet.icmp_type, _ASKS.get(packet.icmp_type))
        return None if kind is None else replace(back, icmp_type=kind, icmp_code=0)
    return back


def _from(packet: Packet) -> str | None:
    """By which link the other side sends, "" where it is the router itself."""
    kind, link = route(packet.family, packet.dst).kind, route(packet.family, packet.dst).link
    if route(packet.family, packet.src).kind not in ("UNICAST", "LOCAL"):
        return None
    if kind == "LOCAL":
        return "" if packet.via else None
    return link if kind == "UNICAST" else None


def handshake(values: Values, first: Packet) -> Iterator[Packet]:
    """A TCP connection from its first packet to its end, or to where it is broken off."""
    if first.flags & 0x3F == SYN:
        first = replace(first, payload=0)
    back = answer(first)
    yield first
    if back is None or first.flags & 0x3F != SYN:
        return
    here, there = first.seq + 1, values.random.getrandbits(30) | 1
    yield _segment(values, back, SYN | ACK, there, here)
    there += 1
    yield _segment(values, first, ACK, here, there)
    for _ in range(values.one((0, 1, 2))):
        sent = _segment(values, first, ACK | PSH, here, there, values.one((1, 100)))
        yield sent
        here += sent.payload
        yield _segment(values, back, ACK, there, here)
    if values.chance(0.3):
        yield _segment(values, first, RST | ACK, here, there)
        return
    yield _segment(values, first, FIN | ACK, here, there)
    yield _segment(values, back, FIN | ACK, there, here + 1)
    yield _segment(values, first, ACK, here + 1, there + 1)


def _segment(values: Values, like: Packet, flags: int, seq: int, ack: int, payload: int = 0) -> Packet:
    return replace(like, flags=flags, seq=seq, ack=ack, payload=payload, tcp_options=b"", **_varied(values, like))


def _varied(values: Values, packet: Packet) -> dict[str, Any]:
    """What may be another thing in each packet of a flow."""
    found = {"tos": values.one((packet.tos, packet.tos, 0, 8)), "ttl": values.one((packet.ttl, packet.ttl, 64, 2))}
    if packet.via:
        return {**found, "mac": values.one(MACS)}
    return {**found, "uid": values.one(USERS)}


def exchange(values: Values, first: Packet) -> Iterator[Packet]:
    """A packet, its answer, and some more of both."""
    back = answer(first)
    yield first
    if values.chance(0.3):
        yield replace(first, **_varied(values, first))
    for _ in range(values.one((1, 1, 2))):
        if back is not None:
            yield replace(back, **_varied(values, back))
        if values.chance(0.6):
            yield replace(first, **_varied(values, first))


def flow(values: Values, first: Packet) -> Iterator[Packet]:
    """What follows from a first packet, itself in front."""
    return handshake(values, first) if first.proto == TCP else exchange(values, first)


def leading_to(values: Values, packet: Packet, reply: bool) -> Iterator[Packet]:
    """A flow in which a packet comes later: as the reply, or as the second of the original direction."""
    other = answer(packet)
    if other is None:
        return
    if packet.proto in (ICMP, ICMPV6) and (packet.icmp_type in _ASKS) != reply:
        return
    opening = other if reply else packet
    if packet.proto != TCP:
        yield opening
        if not reply:
            yield other
        yield packet
        return
    first = replace(opening, flags=SYN, payload=0, tcp_options=b"", seq=packet.seq)
    steps = list(handshake(values, first))
    if len(steps) < 3:
        return
    if reply:
        yield from steps[:3]
        last = steps[1]
        yield replace(packet, flags=ACK | packet.flags & 0xE8, seq=last.seq + 1, ack=last.ack)
    else:
        yield from steps[:3]
        yield replace(packet, flags=ACK | packet.flags & 0xE8, seq=steps[2].seq, ack=steps[2].ack)


def error_about(values: Values, packet: Packet) -> Packet | None:
    """An ICMP error that some host on the way sends about a packet."""
    via = _from(packet)
    if via is None or packet.inner is not None or packet.fragment is not None or packet.proto in (ICMP, ICMPV6):
        return None
    if route(packet.family, packet.src).kind == "LOCAL" and packet.via:
        return None
    if packet.extensions or packet.words:
        return None
    family = packet.family
    kind, code = values.one(ERRORS[family])
    sender = packet.dst if not via or values.chance(0.5) else values.one(HOSTS[family][via])
    about = replace(packet, payload=min(packet.payload, 8), mac=MACS[0], mark=0, uid=0, gid=0)
    proto = ICMP if family is Family.IPV4 else ICMPV6
    found = Packet(
        family, via, sender, packet.src, proto, icmp_type=kind, icmp_code=code, inner=about, seq=packet.seq
    )  # fmt: skip
    return replace(found, **_varied(values, found))


def error_like(values: Values, packet: Packet) -> Iterator[Packet]:
    """A flow, and an ICMP error about it that looks as wanted."""
    to, family = packet.dst, packet.family
    if route(family, to).kind not in ("UNICAST", "LOCAL"):
        return
    via = "" if to in LOCAL[family] else route(family, to).link
    if not packet.via and not via:
        return
    far = packet.src if packet.via else values.one(LOCAL[family])
    about = Packet(family, via, to, far, 17, sport=values.one((53, 80, 1024)), dport=values.one((53, 80, 443)))
    kinds = [kind for kind, _ in ERRORS[family]]
    kind, code = (packet.icmp_type, packet.icmp_code) if packet.icmp_type in kinds else values.one(ERRORS[family])
    yield about
    proto = ICMP if family is Family.IPV4 else ICMPV6
    yield replace(packet, proto=proto, icmp_type=kind, icmp_code=code, inner=about, extensions=(), words=0)
