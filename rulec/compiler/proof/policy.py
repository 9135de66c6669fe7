"""What a policy asks for, as sets of packets: told apart from what the compiler makes of it, which is to be proved."""

from __future__ import annotations

from collections.abc import Iterable

from rulec.analysis.flows import Pair
from rulec.model import Family
from rulec.model.protocols import ICMP, ICMPV6
from rulec.packetset.packetset import PacketSet
from rulec.packetset.vector import Vector
from rulec.policy import ANY, Entry, Policy
from rulec.policy.model import Addresses, Ports

_ASKED_ON = {"server": "input", "client": "output", "forward": "forward"}


def entries(policy: Policy, family: Family, path: str) -> Iterable[Entry]:
    """The entries of which the requests take a way."""
    return (entry for entry in policy.hot if family in entry.families and _ASKED_ON[entry.role] == path)


def requests(pair: Pair, policy: Policy, path: str) -> PacketSet:
    """The tuples of the requests that are to be untracked on a way."""
    return pair.space.union(of_entry(pair, entry) for entry in entries(policy, pair.family, path))


def of_entry(pair: Pair, entry: Entry) -> PacketSet:
    """The requests of one entry."""
    space = pair.space
    icmp = ICMP if pair.family is Family.IPV4 else ICMPV6
    found = space.field("proto").among(icmp if number == ICMP else number for number in entry.protocols)
    for field, ports in (("dport", entry.ports), ("sport", entry.client_ports)):
        if ports is not None and ports != ANY and entry.protocols != (ICMP,):
            found &= _ports(space.field(field), ports)
    for field, addresses in (("dst", entry.servers), ("src", entry.clients)):
        if addresses is not None:
            found &= among(space.field(field), addresses, pair.family)
    if entry.interface is not None:
        found &= pair.on("iif", entry.interface)
    if entry.loopback == "tracked":
        found -= pair.on("iif", "lo") | pair.on("oif", "lo")
    return found & pair.local("dst_type") if entry.role == "server" else found


def _ports(field: Vector, ports: Ports) -> PacketSet:
    found: PacketSet = field.space.union(field.between(*each) for each in ports)
    return found


def among(field: Vector, addresses: Addresses, family: Family) -> PacketSet:
    """The packets of which an address is one of these."""
    own = [each for each in addresses if each.family is family]
    found: PacketSet = field.space.union(field.between(each.first, each.last) for each in own)
    return found
