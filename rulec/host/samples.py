"""Flows out of sets of packets: such as another host, or a program here, can really begin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_network
from itertools import count

from rulec.analysis.forwarded import forwarded_to
from rulec.host.trial import LINK, OTHER_LINK, Flow
from rulec.model import Family
from rulec.model.protocols import ECHO, ICMP, ICMPV6, TCP, UDP
from rulec.packetset.believable import sample
from rulec.packetset.fields import ADDRESS_TYPES, EXTENSION_HEADERS, FLAGS, TRACKED_STATES
from rulec.packetset.packet import Packet, as_set
from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Space
from rulec.packetset.vector import Vector
from rulec.semantics.paths import Way
from rulec.semantics.reach import PolicyReach, Reach
from rulec.semantics.ruleset import Meaning

PROTOCOLS = {Family.IPV4: (TCP, UDP, ICMP), Family.IPV6: (TCP, UDP, ICMPV6)}
"""What can be tried: TCP, UDP and echo."""

UNUSABLE = {
    Family.IPV4: ("0.0.0.0/8", "127.0.0.0/8", "198.18.0.0/15", "224.0.0.0/3"),
    Family.IPV6: ("::/8", "2001:2::/48", "fe80::/10", "ff00::/8"),
}
"""Addresses that no trial takes: of nobody or of many, of the link, and those of the laboratory itself."""

_NOTHING = {
    "ctstate": TRACKED_STATES.index("NEW"), "ctdir": 0, "first": 1, "ctstatus": 0, "prior": 0, "snat": 0, "dnat": 0,
    "later_fragment": 0, "more_fragments": 0, "bridged": 0, "physin": 0, "physout": 0, "mark": 0, "connmark": 0,
    "tos": 0, "ttl": 64, "pkttype": 0, **{f"has_{header}": 0 for header in EXTENSION_HEADERS},
}  # fmt: skip
_ENDS = {"input": ("UNICAST", "LOCAL"), "output": ("LOCAL", "UNICAST"), "forward": ("UNICAST", "UNICAST")}
_MOVING = ("DNAT", "REDIRECT", "NETMAP")
_FIRST_PORT = 40000


class Sampler:
    """Takes flows from sets of packets of one ruleset, each from another port where the set allows it."""

    def __init__(self, meaning: Meaning) -> None:
        self.family = meaning.prepared.ruleset.family
        self.space: Space = meaning.space
        self.ways = {way.path: way for way in meaning.ways}
        self._others = forwarded_to(meaning.prepared)
        self._ports = count(_FIRST_PORT)
        self._accepted: dict[str, PacketSet] = {}
        self._begins: dict[str, PacketSet] = {}

    # ── sets ──

    def begins(self, path: str) -> PacketSet:
        """The first packets of flows that can be tried on a way."""
        if path not in self._begins:
            found = self.space.only(self._plain(path)) & self._protocols
            for field, kind in zip(("src_type", "dst_type"), _ENDS[path], strict=True):
                found &= self.space.field(field).equals(ADDRESS_TYPES.index(kind))
            for field, kind in zip(("src", "dst"), _ENDS[path], strict=True):
                found &= self._usable(field)
                if kind == "LOCAL":
                    found -= self.space.field(field).among(self._others)
            self._begins[path] = found & self._links(path) & self.ways[path].enters
        return self._begins[path]

    def accepted(self, path: str) -> PacketSet:
        """Those of them that pass all tables."""
        if path not in self._accepted:
            passing = self.ways[path].accepted & self.begins(path)
            sure = passing.surely() - self._by_chance(path)
            self._accepted[path] = passing.possibly() if sure.is_empty() else sure
        return self._accepted[path]

    def dropped(self, path: str) -> PacketSet:
        """Those of them that do not."""
        return self.begins(path) - (self.ways[path].accepted & self.begins(path)).possibly()

    def of(self, protocol: int) -> PacketSet:
        """The packets of a protocol."""
        return self.space.field("proto").equals(protocol)

    def port(self, field: str, ports: Iterable[tuple[int, int]]) -> PacketSet:
        """The packets from or to some ports."""
        return self.space.union(self.space.field(field).between(*each) for each in ports)

    def deciding(self, path: str) -> Iterator[tuple[str, int, PacketSet]]:
        """The rules and policies of filter that accept: chain, line (0 of a policy), and the first packets they get."""
        way: Way = self.ways[path]
        for reach in way.reaches:
            if (reach.step.table, reach.step.verdict) == ("filter", "ACCEPT") and reach.is_met:
                yield reach.step.chain, reach.step.line, self._reaching(reach) & self.accepted(path)
        for policy in way.policies:
            if (policy.hook.table, policy.policy) == ("filter", "ACCEPT"):
                yield policy.hook.name, 0, self._left(policy) & self.accepted(path)

    def translating(self, path: str) -> Iterator[tuple[int, PacketSet]]:
        """The rules that send what comes on a way elsewhere: the line, and the first packets they get."""
        for reach in self.ways[path].reaches:
            if reach.step.extension in _MOVING and reach.hook.name in ("PREROUTING", "OUTPUT"):
                yield reach.step.line, (reach.matches & self.begins(path)).surely()

    def _by_chance(self, path: str) -> PacketSet:
        """The packets that rules translate by chance, such as those that spread connections over servers."""
        reaches = [reach for reach in self.ways[path].reaches if reach.hook.table == "nat"]
        if not any(reach.step.rule.match("statistic") for reach in reaches):
            return self.space.nothing
        moved = [reach.matches & self.begins(path) for reach in reaches if reach.step.extension in _MOVING]
        return self.space.union(packets.possibly() - packets.surely() for packets in moved)

    def _reaching(self, reach: Reach) -> PacketSet:
        return (reach.matches & self.begins(_path(reach.hook.path))).possibly()

    def _left(self, policy: PolicyReach) -> PacketSet:
        return (policy.arrives & self.begins(_path(policy.hook.path))).possibly()

    def _plain(self, path: str) -> dict[str, int]:
        source = {"output": {"has_socket": 1, "uid": 0, "gid": 0, "has_mac": 0}}
        return {**_NOTHING, **source.get(path, {"has_socket": 0, "has_mac": 1})}

    @property
    def _protocols(self) -> PacketSet:
        tcp, udp, icmp = (self.of(number) for number in PROTOCOLS[self.family])
        echo = self.space.only({"icmp_type": ECHO[self.family][0], "icmp_code": 0})
        syn = self.space.field("tcp_flags").equals(FLAGS["SYN"])
        ports = self.port("sport", ((1, 65535),)) & self.port("dport", ((1, 65535),))
        return (tcp & syn & ports) | (udp & ports) | (icmp & echo)

    def _usable(self, name: str) -> PacketSet:
        field: Vector = self.space.field(name)
        networks = [ip_network(text) for text in UNUSABLE[self.family]]
        return ~self.space.union(field.masked(int(each.network_address), int(each.netmask)) for each in networks)

    def _links(self, path: str) -> PacketSet:
        """A packet has the interfaces of its way, and none of them is the loopback."""
        found = self.space.everything
        for field, there in (("iif", path != "output"), ("oif", path != "input")):
            none, loopback = (self.link(field, name) for name in ("", "lo"))
            found &= ~none - loopback if there else none
        return found

    def link(self, field: str, name: str) -> PacketSet:
        """The packets that come in, or leave, by a link."""
        names = self.space.fields[field].names
        assert names is not None
        return self.space.field(field).equals(names.number(name))

    # ── flows ──

    def flow(self, packets: PacketSet, path: str) -> Flow | None:
        """A flow that begins with one of the packets; None where there is none."""
        found = sample(packets)
        return None if found is None else self._flow(self._with_own_port(found, packets), path)

    def _with_own_port(self, packet: Packet, packets: PacketSet) -> Packet:
        if "sport" not in packet:
            return packet
        other = Packet(packet.bits, {**packet, "sport": next(self._ports)})
        return other if as_set(other, self.space).meets(packets) else packet

    def _flow(self, packet: Packet, path: str) -> Flow | None:
        numbers = {name: int(packet.get(name, 0)) for name in ("proto", "src", "sport", "dst", "dport")}
        if numbers["src"] == numbers["dst"]:
            return None
        icmp = numbers["proto"] in (ICMP, ICMPV6)
        return Flow(
            self.family,
            numbers["proto"],
            numbers["src"],
            next(self._ports) if icmp else numbers["sport"],
            numbers["dst"],
            0 if icmp else numbers["dport"],
            "" if path == "output" else str(packet.get("iif") or LINK),
            "" if path == "input" else str(packet.get("oif") or (LINK if path == "output" else OTHER_LINK)),
            0 if path == "output" else _neighbour(packet),
        )


def _neighbour(packet: Packet) -> int:
    """The MAC address that it comes from, 0 for any; nothing comes from one that stands for a group."""
    number = int(str(packet.get("mac", "0")).replace(":", ""), 16)
    return 0 if number >> 40 & 1 else number


def _path(path: str) -> str:
    """Where packets go that come in: a rule that all of them meet is tried with those for this host."""
    return "input" if path == "arriving" else path
