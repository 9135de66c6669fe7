"""What a table of connections holds: its services, what NAT rewrites, states, zones, hosts, and what they tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from heapq import nsmallest
from typing import NamedTuple

from rulec.host.conntrack.own import Own, shown
from rulec.host.conntrack.tally import (
    DESTINATION,
    FROM_HERE,
    HELPED,
    IDLE,
    REVERSED,
    SOURCE,
    TO_HERE,
    UNREPLIED,
    Key,
    Tally,
)
from rulec.model.protocols import ICMP, ICMPV6, NAMES, TCP, UDP

ROLES = {0: "forward", FROM_HERE: "client", TO_HERE: "server", FROM_HERE | TO_HERE: "loopback"}
_TURNED = {"client": "server", "server": "client"}
_ECHO = {ICMP: 8, ICMPV6: 128}
_NAT = {SOURCE: "SNAT", DESTINATION: "DNAT", SOURCE | DESTINATION: "SNAT and DNAT"}

MOST_HOSTS, MOST_SERVERS = 1000, 16
"""So many hosts are named at most: those with most entries."""


class Service(NamedTuple):
    """The entries of one port, as this host sees them: server, client, forward or loopback.

    ``port`` is None for protocols without ports; ``nat`` says which ends NAT rewrites, empty
    for none.  ``servers`` are the first of those who answer, by their entries, out of
    ``server_count``.  Of the entries, ``unreplied`` have no answer, ``reversed`` were begun
    from the server's port, ``helped`` have a helper.
    """

    protocol: str
    port: int | None
    role: str
    nat: str
    entries: int
    servers: tuple[tuple[str, int], ...]
    server_count: int
    states: tuple[tuple[str, int], ...]
    unreplied: int
    reversed: int
    helped: int

    @property
    def title(self) -> str:
        """Such as ``tcp/80``."""
        return self.protocol if self.port is None else f"{self.protocol}/{self.port}"


class Table(NamedTuple):
    """A table of connections; the largest first of everything.

    ``entry`` are the octets of an entry.  ``hosts`` are the ends that were asked for with ``by``.
    """

    entries: int
    own: Own
    services: tuple[Service, ...]
    translated: tuple[Service, ...]
    states: tuple[tuple[str, int], ...]
    zones: tuple[tuple[str, int], ...]
    by: str
    hosts: tuple[tuple[str, int], ...]
    host_count: int
    signs: tuple[tuple[str, int], ...]
    entry: int

    def share(self, entries: int) -> float:
        """How much of the table that is, from 0 to 1."""
        return entries / self.entries if self.entries else 0.0

    def octets(self, entries: int) -> int:
        """The memory that so many entries take at least."""
        return entries * self.entry


def table(found: Tally, by: str, entry: int) -> Table:
    """What was counted, in words."""
    groups = list(found.groups())
    services = _services(groups)
    states: Counter[str] = Counter()
    zones: Counter[str] = Counter()
    for key, count in groups:
        states[_state(key)] += count
        zones[(key.zone or b"").decode()] += count
    del zones[""]
    return Table(
        sum(count for _, count in groups),
        found.own,
        tuple(service for service in services if not service.nat),
        tuple(service for service in services if service.nat),
        _ranked(states),
        _ranked(zones),
        by,
        _largest(found.hosts, MOST_HOSTS),
        len(found.hosts),
        tuple(_signs(groups)),
        entry,
    )


def _largest(counts: Mapping[bytes, int], most: int) -> tuple[tuple[str, int], ...]:
    """The hosts with most entries."""
    found = nsmallest(most, counts.items(), key=lambda one: (-one[1], one[0]))
    return tuple((shown(host), count) for host, count in found)


def _ranked(counts: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda one: (-one[1], one[0])))


# ── services ──


def _services(groups: Iterable[tuple[Key, int]]) -> list[Service]:
    """Groups of one protocol, port, role and kind of NAT together."""
    found: dict[tuple[str, int | None, str, str], list[tuple[Key, int]]] = {}
    for key, count in groups:
        protocol, port = _port(key)
        nat = _NAT.get(key.flags & (SOURCE | DESTINATION), "")
        found.setdefault((protocol, port, _role(key), nat), []).append((key, count))
    services = (_service(*what, groups) for what, groups in found.items())
    return sorted(services, key=lambda service: (-service.entries, service.title, service.role))


def _port(key: Key) -> tuple[str, int | None]:
    number, port = int(key.protocol), None if key.port is None else int(key.port)
    if number in _ECHO:
        is_echo = port in (None, _ECHO[number])  # as XML no types are printed, and other questions are rare
        return ("icmp echo", None) if is_echo else ("icmp", port)
    return NAMES.get(number, f"protocol {number}"), port


def _role(key: Key) -> str:
    role = ROLES[key.ends]
    return _TURNED.get(role, role) if key.flags & REVERSED else role


def _service(protocol: str, port: int | None, role: str, nat: str, groups: list[tuple[Key, int]]) -> Service:
    servers: Counter[bytes] = Counter()
    states: Counter[str] = Counter()
    for key, count in groups:
        servers[key.server] += count
        states[_state(key)] += count
    with_flag = (sum(count for key, count in groups if key.flags & flag) for flag in (UNREPLIED, REVERSED, HELPED))
    total = sum(count for _, count in groups)
    return Service(
        protocol, port, role, nat, total, _largest(servers, MOST_SERVERS), len(servers), _ranked(states), *with_flag
    )


# ── states ──


def _state(key: Key) -> str:
    name = NAMES.get(int(key.protocol), f"protocol {int(key.protocol)}").replace("ipv6-icmp", "icmpv6")
    state = f" {key.state.decode()}" if key.state else ""
    return f"{name}{state}{' [UNREPLIED]' if key.flags & UNREPLIED else ''}"


def _signs(groups: Iterable[tuple[Key, int]]) -> Iterable[tuple[str, int]]:
    """How many entries there are of each kind that says something of the traffic."""
    found: Counter[str] = Counter()
    for key, count in groups:
        found[_sign(key)] += count
        if key.flags & REVERSED:
            found["reversed"] += count
        if key.flags & (SOURCE | DESTINATION):
            found["translated"] += count
    del found[""]
    return _ranked(found)


def _sign(key: Key) -> str:
    if key.flags & UNREPLIED:
        return "unreplied"
    if key.state == b"ESTABLISHED":
        return "idle" if key.flags & IDLE else "established"
    if key.state in (b"TIME_WAIT", b"SYN_RECV"):
        return key.state.decode().lower()
    return "replied" if int(key.protocol) in (UDP, ICMP, ICMPV6) else "closing" if int(key.protocol) == TCP else ""
