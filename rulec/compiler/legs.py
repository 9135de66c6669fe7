"""The two directions of hot flows: which packets they are, and where they are seen first.

Requests of a server and answers to a client arrive, and are seen in PREROUTING;
what the host itself sends is seen in OUTPUT; of routed flows both directions
arrive.  Over the loopback a packet is seen in OUTPUT, and arrives as it left.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from rulec.analysis.untracked_flows import ANSWERED_ON
from rulec.model import Family
from rulec.model.protocols import ECHO, ICMP, ICMPV6, NAMES
from rulec.packetset.fields import ADDRESS_TYPES
from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Space
from rulec.policy import ANY, Entry, Policy
from rulec.policy.model import AddressRange, Ports

_ASKED_ON = {"server": "input", "client": "output", "forward": "forward"}


class Leg(NamedTuple):
    """One direction of a hot flow.

    ``opens`` says whether it is that of the requests, ``looped`` whether it is
    followed over the loopback, where it takes both ways, out and in again.
    ``turned`` is a flow that the server's side begins.
    """

    entry: Entry
    protocol: int
    family: Family
    path: str
    opens: bool
    looped: bool = False
    turned: bool = False

    @property
    def from_server(self) -> bool:
        """Whether the server sends these packets."""
        return self.opens == self.turned

    @property
    def ports(self) -> tuple[Ports | None, Ports | None]:
        """The ports that they come from and go to, None for any."""
        server = None if self.entry.ports == ANY or self.is_echo else self.entry.ports
        client = None if self.is_echo else self.entry.client_ports
        return (server, client) if self.from_server else (client, server)

    @property
    def addresses(self) -> tuple[tuple[AddressRange, ...] | None, tuple[AddressRange, ...] | None]:
        """The addresses that they come from and go to, None for any."""
        server, client = (self._own(each) for each in (self.entry.servers, self.entry.clients))
        return (server, client) if self.from_server else (client, server)

    @property
    def is_echo(self) -> bool:
        """Whether it is ping."""
        return self.protocol in (ICMP, ICMPV6)

    @property
    def icmp_type(self) -> int | None:
        """The type of its messages, None for other protocols."""
        return ECHO[self.family][not self.opens] if self.is_echo else None

    @property
    def name(self) -> str:
        """The flow as people call it."""
        if self.is_echo:
            return "ping"
        ports = ",".join(str(low) if low == high else f"{low}-{high}" for low, high in self.entry.ports)
        return f"{NAMES[self.protocol]}/{'any' if self.entry.ports == ANY else ports}"

    def _own(self, addresses: tuple[AddressRange, ...] | None) -> tuple[AddressRange, ...] | None:
        if addresses is None:
            return None
        own = tuple(each for each in addresses if each.family is self.family)
        whole = (1 << self.family.bits) - 1
        return None if any((each.first, each.last) == (0, whole) for each in own) else own

    def anywhere(self) -> Leg:
        """The same, by whatever interface they arrive."""
        return self if self.entry.interface is None else self._replace(entry=replace(self.entry, interface=None))


class Flow(NamedTuple):
    """A kind of hot flow: its requests and its answers."""

    request: Leg
    answer: Leg


def flows(policy: Policy, family: Family) -> Iterator[Flow]:
    """The hot flows of one family, in the order of the policy."""
    for entry in policy.hot:
        if family in entry.families:
            for protocol in entry.protocols:
                number = ICMPV6 if protocol == ICMP and family is Family.IPV6 else protocol
                yield from _flows(entry, number, family)


def _flows(entry: Entry, protocol: int, family: Family) -> Iterator[Flow]:
    asked = _ASKED_ON[entry.role]
    yield _flow(entry, protocol, family, asked)
    if entry.role == "server" and entry.ports == ANY and protocol != ICMP:
        yield _flow(entry, protocol, family, "output", turned=True)
    if entry.loopback == "hot" and entry.role != "forward":
        request = Leg(entry, protocol, family, "output", True, looped=True)
        yield Flow(request, request._replace(opens=False))


def _flow(entry: Entry, protocol: int, family: Family, path: str, turned: bool = False) -> Flow:
    request = Leg(entry, protocol, family, path, True, turned=turned)
    return Flow(request, request._replace(path=ANSWERED_ON[path], opens=False))


# ── as sets of packets ──


def packets(leg: Leg, space: Space) -> PacketSet:
    """All packets of one direction, on the way that they take; over the loopback those that leave."""
    found = tuples(leg, space)
    if leg.looped:
        return found & on(space, "oif", "lo")
    if leg.entry.interface is not None and leg.opens and leg.path != "output":
        found &= on(space, "iif", leg.entry.interface)
    if leg.path == "forward":
        return found if leg.opens else found - local(space, "dst_type")
    if leg.path == "output":
        return found - on(space, "oif", "lo")
    return found & local(space, "dst_type") - on(space, "iif", "lo")


def returning(leg: Leg, space: Space) -> PacketSet:
    """The packets of a looped leg as they come in again."""
    return tuples(leg, space) & on(space, "iif", "lo")


def tuples(leg: Leg, space: Space) -> PacketSet:
    """The packets with these addresses and ports."""
    found = space.field("proto").equals(leg.protocol)
    for field, ports in zip(("sport", "dport"), leg.ports, strict=True):
        if ports is not None:
            found &= space.union(space.field(field).between(*each) for each in ports)
    for field, addresses in zip(("src", "dst"), leg.addresses, strict=True):
        if addresses is not None:
            found &= space.union(space.field(field).between(each.first, each.last) for each in addresses)
    if leg.icmp_type is not None:
        found &= space.field("icmp_type").equals(leg.icmp_type)
    return found


def on(space: Space, field: str, name: str) -> PacketSet:
    """The packets that come in, or leave, by an interface."""
    names = space.fields[field].names
    assert names is not None
    return space.field(field).equals(names.number(name))


def local(space: Space, field: str) -> PacketSet:
    """The packets of which an address is one of this host."""
    return space.field(field).equals(ADDRESS_TYPES.index("LOCAL"))
