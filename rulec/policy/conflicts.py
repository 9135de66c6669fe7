"""Entries that contradict each other.

A packet belongs to one entry at most, or to several that say the same.  Two things
break that:

- two entries take the same flow and treat it differently;
- a request of one entry looks like a reply of another.  A client that asks port 443
  from port 8080 gets replies on port 8080, and there a server gets its requests: the
  packet would be untracked for one reason and judged for the other.

A server's flows end at this host and a client's begin here, so these two share a
flow over loopback only; a router's share none with either.  A router's requests and
replies pass the same hook, but there client-ports must be written before a mix-up is
believed: else every two ports of one server would be one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

from rulec.model import Family
from rulec.model.protocols import ICMP, NAMES
from rulec.policy.document import Problem, shown
from rulec.policy.model import ANY, Addresses, Entry, Ports
from rulec.source import Source

Range = tuple[int, int]
Sides = tuple[Addresses | None, Addresses | None]
"""The addresses of one side, as the one and the other entry have them."""

_SETTINGS = ("loopback", "icmp-errors", "reserved")


class Common(NamedTuple):
    """What two entries share: a protocol, and a port of each side."""

    protocol: int
    port: int
    client_port: int


def conflicts(entries: Sequence[Entry], source: Source) -> Iterator[Problem]:
    """What two entries of a policy say against each other, at the later one."""
    for first, second in combinations(entries, 2):
        yield from _different_settings(first, second, source)
        yield from _crossed_legs(first, second, source)


# ── the same flow, treated differently ───────────────────────────────────────────────────────────


def _different_settings(first: Entry, second: Entry, source: Source) -> Iterator[Problem]:
    if _all_settings(first) == _all_settings(second):
        return
    different = [key for key in _settings(first, second) if _setting(first, key) != _setting(second, key)]
    shared = shared_flow(first, second) if different else None
    if shared is None:
        return
    flows = "echo" if shared.protocol == ICMP else f"{NAMES[shared.protocol]} port {shared.port}"
    over = "" if first.role == second.role else " over loopback"
    for key in different:
        here, there = second.span(key), first.span(key)
        message = (
            f"{shown(second.name)} shares flows of {flows}{over} with {shown(first.name)} on line"
            f" {source.position(there.start)[0]}, and their {key} differs ({_setting(second, key)} here,"
            f" {_setting(first, key)} there): make it the same, or part the two by servers and clients"
        )
        yield Problem(here, message, ((there, f"{key} is {_setting(first, key)} for {shown(first.name)}"),))


def _all_settings(entry: Entry) -> tuple[str, str, bool]:
    return entry.loopback, entry.icmp_errors, entry.reserved


def _settings(first: Entry, second: Entry) -> tuple[str, ...]:
    """The settings that must be the same where both have a flow; only a server's ports can be reserved."""
    if first.role == second.role:
        return _SETTINGS if first.role == "server" else _SETTINGS[:2]
    looped = "forward" not in (first.role, second.role) and "hot" in (first.loopback, second.loopback)
    return _SETTINGS[:2] if looped else ()


def _setting(entry: Entry, key: str) -> str:
    return str(getattr(entry, key.replace("-", "_"))).lower()


def shared_flow(first: Entry, second: Entry) -> Common | None:
    """A flow that both entries take, requests as requests."""
    common = _common(first, second, (first.ports, second.ports), (first.client_ports, second.client_ports))
    hosts = _hosts(first, second, (first.servers, second.servers), (first.clients, second.clients))
    return common if common and any(hosts) else None


# ── a request that looks like a reply ────────────────────────────────────────────────────────────


def _crossed_legs(first: Entry, second: Entry, source: Source) -> Iterator[Problem]:
    crossed = crossed_flow(first, second) if _may_cross(first, second) else None
    if crossed is None:
        return
    here, there = second.span("ports"), first.span("ports")
    message = (
        f"a packet from {NAMES[crossed.protocol]} port {crossed.port} to port {crossed.client_port} would be a reply"
        f" of {shown(first.name)} on line {source.position(there.start)[0]} and a request of {shown(second.name)}:"
        " part the two by servers and clients, or by client-ports"
    )
    yield Problem(here, message, ((there, f"the ports of {shown(first.name)}"),))


def _may_cross(first: Entry, second: Entry) -> bool:
    if first.role == second.role:
        return first.role == "forward" and (first.client_ports is not None or second.client_ports is not None)
    return "forward" not in (first.role, second.role)


def crossed_flow(first: Entry, second: Entry) -> Common | None:
    """A flow of the first entry whose replies are requests of the second; echo tells the two apart by itself."""
    common = _common(first, second, (first.ports, second.client_ports), (first.client_ports, second.ports))
    if common is None or common.protocol == ICMP:
        return None
    hosts = _hosts(first, second, (first.servers, second.clients), (first.clients, second.servers))
    if first.role == "forward":  # what an address sends to itself is never routed
        return common if any(not _one_host(*pair) for pair in hosts) else None
    return common if any(hosts) else None


def _one_host(servers: list[Range], clients: list[Range]) -> bool:
    return servers == clients and len(servers) == 1 and servers[0][0] == servers[0][1]


# ── what two entries have in common ──────────────────────────────────────────────────────────────


def _common(
    first: Entry, second: Entry, ports: tuple[Ports, Ports | None], client_ports: tuple[Ports | None, Ports | None]
) -> Common | None:
    """The lowest protocol and ports that both have; echo has no ports."""
    protocol = next((protocol for protocol in first.protocols if protocol in second.protocols), None)
    if protocol is None:
        return None
    if protocol == ICMP:
        return Common(ICMP, 0, 0)
    port, client_port = _lowest(*ports), _lowest(*client_ports)
    return None if port is None or client_port is None else Common(protocol, port, client_port)


def _lowest(left: Ports | None, right: Ports | None) -> int | None:
    meeting = next(meet(ANY if left is None else left, ANY if right is None else right), None)
    return None if meeting is None else meeting[0]


def _hosts(first: Entry, second: Entry, servers: Sides, clients: Sides) -> Iterator[tuple[list[Range], list[Range]]]:
    """The addresses of each side that both entries have, family by family, where there are any of both sides."""
    for family in first.families:
        if family in second.families:
            near = list(meet(*(_ranges(side, family) for side in servers)))
            far = list(meet(*(_ranges(side, family) for side in clients)))
            if near and far:
                yield near, far


def _ranges(addresses: Addresses | None, family: Family) -> list[Range]:
    if addresses is None:
        return [(0, (1 << family.bits) - 1)]
    return [(item.first, item.last) for item in addresses if item.family is family]


def meet(left: Sequence[Range], right: Sequence[Range]) -> Iterator[Range]:
    """What two sorted sequences of ranges have in common."""
    i = j = 0
    while i < len(left) and j < len(right):
        low, high = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if low <= high:
            yield low, high
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
