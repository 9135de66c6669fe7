"""Trials of packets that somebody has named, written as ``rulec trace`` reads them."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from zlib import crc32

from rulec.host.hot import entry_of
from rulec.host.samples import PROTOCOLS, UNUSABLE
from rulec.host.trial import (
    ANSWERER,
    ASKER,
    LINK,
    OTHER_LINK,
    Expected,
    Flow,
    Kind,
    Left,
    Step,
    Trial,
    opening,
    stray,
)
from rulec.model import Family
from rulec.model.protocols import ECHO, ICMP, ICMPV6, TCP, UDP
from rulec.packetset.fields import ADDRESS_TYPES, FLAGS, TRACKED_STATES
from rulec.packetset.packet import Packet, read_packet
from rulec.policy import Policy

_ENDS = {Family.IPV4: ("198.51.100.7", "192.0.2.1"), Family.IPV6: ("2001:db8::7", "2001:db8::1")}
_ORDINARY = {"sport": 40000, "dport": 80}
_ERRORS = {Family.IPV4: (3, 4, 5, 11, 12), Family.IPV6: (1, 2, 3, 4)}
_UNICAST, _LOCAL = (ADDRESS_TYPES.index(name) for name in ("UNICAST", "LOCAL"))


def from_witness(text: str, policy: Policy, expected: Expected) -> Trial | str:
    """The trial of a packet, or a text that says why it cannot be tried."""
    packet = read_packet(text)
    family = Family.IPV4 if packet.bits == Family.IPV4.bits else Family.IPV6
    if packet.get("proto") not in (None, *PROTOCOLS[family]):
        return f"{text}: only TCP, UDP and ICMP are tried"
    if packet.get("dst_type") not in (None, _UNICAST, _LOCAL):
        return f"{text}: only packets to one host are tried"
    if packet.get("later_fragment"):
        return f"{text}: a part of a packet is not tried alone"
    flow = _flow(packet, family, _identifier(text))
    wrong = _unusable(flow)
    if wrong:
        return f"{text}: {wrong}"
    error = flow.protocol in (ICMP, ICMPV6) and packet.get("icmp_type") in _ERRORS[family]
    flow, steps = _error(packet, flow, policy) if error else _packet(packet, flow)
    left = Left.FEWER if entry_of(policy, flow) else Left.SAME
    return Trial(f"the packet {text}", flow, steps, left, expected)


def _identifier(text: str) -> int:
    """An echo identifier that no other trial has, so that the connections of each can be told apart."""
    return 20000 + crc32(text.encode()) % 20000


def _flow(packet: Packet, family: Family, identifier: int) -> Flow:
    """The flow that the packet would begin."""
    ends = (int(ip_address(text)) for text in _ENDS[family])
    source, destination = (int(packet.get(name, end)) for name, end in zip(("src", "dst"), ends, strict=True))
    ports = [int(packet.get(name, port)) for name, port in _ORDINARY.items()]
    leaves, arrives = (str(packet.get(name, "")) for name in ("oif", "iif"))
    if not leaves and packet.get("dst_type") == _UNICAST:
        arrives, leaves = arrives or LINK, OTHER_LINK
    protocol = int(packet.get("proto", TCP))
    if protocol not in (TCP, UDP):
        ports = [identifier, 0]
    looped = "lo" in (arrives, leaves)
    come, gone = ("", "") if looped else (arrives or ("" if leaves else LINK), leaves)
    return Flow(family, protocol, source, ports[0], destination, ports[1], come, gone)


def _packet(packet: Packet, flow: Flow) -> tuple[Flow, tuple[Step, ...]]:
    """A packet of a known connection comes behind its handshake, all others alone."""
    flags = int(packet.get("tcp_flags", FLAGS["SYN"]))
    if packet.get("ctstate") == TRACKED_STATES.index("ESTABLISHED"):
        reply = bool(packet.get("ctdir"))
        begun = flow.reversed if reply else flow
        return begun, (*opening(begun), Step(Kind.DATA, ANSWERER if reply else ASKER, 40))
    if flow.protocol == TCP:
        return flow, opening(flow) if flags == FLAGS["SYN"] else stray(flags)
    kind = int(packet.get("icmp_type", ECHO[flow.family][0]))
    return flow, stray() if flow.protocol == UDP else stray(kind)


def _error(packet: Packet, flow: Flow, policy: Policy) -> tuple[Flow, tuple[Step, ...]]:
    """An ICMP error comes about a flow that was begun by the side with the higher port, as most are.

    One of which it is said that tracking knows nothing of its flow comes alone.
    """
    about = _about(packet, flow)
    numbers = {"number": int(packet.get("icmp_type", 3)), "code": int(packet.get("icmp_code", 0))}
    if packet.get("ctstate") == TRACKED_STATES.index("INVALID"):
        return about.reversed, (Step(Kind.ERROR, ASKER, **numbers),)
    about = _routed(about, policy)
    asked = about.asker_port >= about.answerer_port
    begun = about if asked else about.reversed
    return begun, (*opening(begun), Step(Kind.ERROR, ANSWERER if asked else ASKER, **numbers))


def _about(packet: Packet, flow: Flow) -> Flow:
    """The flow of the packet inside an error, as it went; what is not said of it is made up."""
    inner = {name: int(packet.get(f"inner_{name}", 0)) for name in ("proto", "src", "sport", "dst", "dport")}
    asks = not 0 < inner["sport"] < _ORDINARY["sport"]
    return flow.reversed._replace(
        protocol=inner["proto"] or TCP,
        asker=inner["src"] or flow.answerer, asker_port=inner["sport"] or _of_echo(inner, flow),
        answerer=inner["dst"] or flow.asker, answerer_port=inner["dport"] or _ORDINARY["dport" if asks else "sport"],
    )  # fmt: skip


def _routed(flow: Flow, policy: Policy) -> Flow:
    """The flow as it goes through this host, where the policy knows its server behind it."""
    through = flow._replace(asker_link=flow.asker_link or OTHER_LINK, answerer_link=flow.answerer_link or OTHER_LINK)
    entry = entry_of(policy, through) if flow.path != "loopback" else None
    return through if entry is not None and entry.role == "forward" else flow


def _of_echo(inner: dict[str, int], flow: Flow) -> int:
    return flow.asker_port if inner["proto"] in (ICMP, ICMPV6) else _ORDINARY["sport"]


def _unusable(flow: Flow) -> str:
    if flow.path == "loopback":
        return ""
    for address in (flow.asker, flow.answerer):
        found = ip_address(address.to_bytes(flow.family.bits // 8, "big"))
        if any(found in ip_network(network) for network in UNUSABLE[flow.family]):
            return f"the address {found} cannot be had"
    return "both ends have one address" if flow.asker == flow.answerer else ""
