"""The flows that a policy calls hot: as sets of packets, and flow by flow."""

from __future__ import annotations

from rulec.host.samples import Sampler
from rulec.host.trial import Flow
from rulec.model import Family
from rulec.model.protocols import ICMP, ICMPV6
from rulec.packetset.packetset import PacketSet
from rulec.policy import ANY, Entry, Policy
from rulec.policy.model import Addresses, PortRange, Ports

WAYS = {"server": "input", "client": "output", "forward": "forward"}
"""The way of the requests of a role."""


def protocols(entry: Entry, family: Family) -> tuple[int, ...]:
    """The numbers of the protocols of an entry, in a family."""
    icmp = ICMP if family is Family.IPV4 else ICMPV6
    return tuple(icmp if number == ICMP else number for number in entry.protocols)


def requests(sampler: Sampler, policy: Policy, path: str) -> PacketSet:
    """The requests on a way that a policy calls hot."""
    entries = (entry for entry in policy.hot if WAYS[entry.role] == path and sampler.family in entry.families)
    found: PacketSet = sampler.space.union(
        of_entry(sampler, entry, protocol) for entry in entries for protocol in protocols(entry, sampler.family)
    )
    return found


def of_entry(sampler: Sampler, entry: Entry, protocol: int, ports: PortRange | None = None) -> PacketSet:
    """The requests of an entry and a protocol, all or those to some ports."""
    found = sampler.of(protocol)
    if protocol not in (ICMP, ICMPV6):
        found &= sampler.port("dport", entry.ports if ports is None else (ports,))
        if entry.client_ports is not None:
            found &= sampler.port("sport", entry.client_ports)
    for name, addresses in (("dst", entry.servers), ("src", entry.clients)):
        if addresses is not None:
            field, own = sampler.space.field(name), _own(addresses, sampler.family)
            found &= sampler.space.union(field.between(first, last) for first, last in own)
    if entry.interface is not None:
        names = sampler.space.fields["iif"].names
        assert names is not None
        found &= sampler.space.field("iif").among(names.matching(entry.interface))
    return found


def entry_of(policy: Policy, flow: Flow) -> Entry | None:
    """The entry that calls a flow hot, whoever has begun it; None where none does."""
    return next((entry for entry in policy.hot if is_of(entry, flow) or is_of(entry, flow.reversed)), None)


def is_of(entry: Entry, flow: Flow) -> bool:
    """Whether an entry names a flow, begun by who asks."""
    if flow.protocol not in protocols(entry, flow.family) or flow.family not in entry.families:
        return False
    if flow.path == "loopback":
        found = entry.loopback == "hot" and entry.role != "forward"
    else:
        found = WAYS[entry.role] == flow.path and entry.interface in (None, flow.asker_link)
    if flow.protocol not in (ICMP, ICMPV6):
        found &= _among(flow.answerer_port, entry.ports) and _among(flow.asker_port, entry.client_ports or ANY)
    ends = ((flow.answerer, entry.servers), (flow.asker, entry.clients))
    return found and all(addresses is None or _among(end, _own(addresses, flow.family)) for end, addresses in ends)


def _among(number: int, ranges: Ports) -> bool:
    return any(first <= number <= last for first, last in ranges)


def _own(addresses: Addresses, family: Family) -> Ports:
    return tuple((each.first, each.last) for each in addresses if each.family is family)
