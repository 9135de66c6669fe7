"""Entries that contradict each other, and entries that only look as if they did."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulec.model import Family
from rulec.policy import AddressRange, Entry, read
from rulec.policy.conflicts import crossed_flow, meet, shared_flow
from tests.unit.policy.cases import TOP, said


def two(first: str, second: str) -> str:
    return f"{TOP}  - {{name: a, {first}}}\n  - {{name: b, {second}}}\n"


SERVER = "role: server, protocol: tcp, ports: 80"
CLIENT = "role: client, protocol: tcp, ports: 443, client-ports: 8080"
FORWARD = "role: forward, protocol: tcp, ports: 443, servers: 10.0.0.0/24"


def test_different_settings_name_both_lines() -> None:
    text = two(f"{SERVER}, loopback: hot", 'role: server, protocol: [tcp, udp], ports: "79-90"')
    assert said(text) == [
        "5:12 'b' shares flows of tcp port 80 with 'a' on line 4, and their loopback differs (tracked here, hot there):"
        " make it the same, or part the two by servers and clients"
    ]
    labels = read(text, "p")[1][0].labels
    assert [(label.line, label.column, label.text) for label in labels] == [
        (5, 12, ""),
        (4, 65, "loopback is hot for 'a'"),
    ]


def test_crossed_legs_name_both_lines() -> None:
    text = two(CLIENT, "role: server, protocol: tcp, ports: 8080")
    assert said(text) == [
        "5:51 a packet from tcp port 443 to port 8080 would be a reply of 'a' on line 4 and a request of 'b':"
        " part the two by servers and clients, or by client-ports"
    ]
    labels = read(text, "p")[1][0].labels
    assert [(label.line, label.column, label.text) for label in labels] == [(5, 51, ""), (4, 51, "the ports of 'a'")]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (SERVER, f"{SERVER}, loopback: hot"),
        (SERVER, f"{SERVER}, icmp-errors: wide"),
        (SERVER, f"{SERVER}, reserved: true"),
        ("role: server, protocol: icmp", "role: server, protocol: icmp, icmp-errors: leave"),
        (f"{SERVER}, clients: 10.0.0.0/8", f"{SERVER}, clients: 10.1.2.3, loopback: hot"),
        (f"{SERVER}, families: ipv6", f"{SERVER}, loopback: hot"),
        # Replies may leave anywhere: two interfaces do not part two entries.
        (f"{SERVER}, interface: eth0", f"{SERVER}, interface: eth1, loopback: hot"),
        # A client and a server of one port meet over loopback.
        (f"{SERVER}, loopback: hot", "role: client, protocol: tcp, ports: 80, client-ports: 32768-60999"),
        (FORWARD, f"{FORWARD}, icmp-errors: leave"),
    ],
)
def test_different_settings(first: str, second: str) -> None:
    for text in (two(first, second), two(second, first)):
        assert [message.split(" ")[1:4] for message in said(text)] == [["'b'", "shares", "flows"]]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (SERVER, SERVER),
        (f"{SERVER}, loopback: hot", "role: server, protocol: tcp, ports: 81"),
        (f"{SERVER}, loopback: hot", "role: server, protocol: udp, ports: 80"),
        (f"{SERVER}, loopback: hot, families: ipv4", f"{SERVER}, families: ipv6"),
        (f"{SERVER}, loopback: hot, clients: 10.0.0.0/8", f"{SERVER}, clients: 11.0.0.0/8"),
        (f"{SERVER}, loopback: hot, servers: 10.0.0.1", f"{SERVER}, servers: 10.0.0.2"),
        (f"{SERVER}, loopback: hot, client-ports: 1-1023", f"{SERVER}, client-ports: 1024-65535"),
        # Loopback is tracked for both, so that they never meet.
        (f"{SERVER}, icmp-errors: wide", "role: client, protocol: tcp, ports: 80, client-ports: 32768-60999"),
        (f"{SERVER}, loopback: hot", f"{FORWARD.replace('443', '80')}"),
        ("role: server, protocol: icmp, loopback: hot", "role: server, protocol: tcp, ports: 80"),
        # Only a server's ports can be reserved.
        (FORWARD, f"{FORWARD}, reserved: true"),
    ],
)
def test_settings_that_may_differ(first: str, second: str) -> None:
    assert said(two(first, second)) == said(two(second, first)) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (CLIENT, "role: server, protocol: [udp, tcp], ports: 8000-9000"),
        (CLIENT, "role: server, protocol: tcp, ports: 8080, client-ports: 1-1023"),
        (CLIENT, "role: server, protocol: tcp, ports: any, clients: 10.0.0.0/8"),
        (f"{CLIENT}, servers: 10.0.0.0/8", "role: server, protocol: tcp, ports: 8080, clients: 10.1.0.0/16"),
        (f"{FORWARD}, client-ports: 8080", f"{FORWARD.replace('443', '8080')}"),
    ],
)
def test_crossed_legs(first: str, second: str) -> None:
    for text in (two(first, second), two(second, first)):
        assert [message.split(" ")[1:4] for message in said(text)] == [["a", "packet", "from"]]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (CLIENT, SERVER),
        (CLIENT, "role: server, protocol: udp, ports: 8080"),
        (CLIENT, "role: server, protocol: tcp, ports: 8080, client-ports: 1024-65535"),
        (f"{CLIENT}, servers: 10.0.0.0/8", "role: server, protocol: tcp, ports: 8080, clients: 11.0.0.0/8"),
        (f"{CLIENT}, clients: 10.0.0.1", "role: server, protocol: tcp, ports: 8080, servers: 10.0.0.2"),
        (f"{CLIENT}, families: ipv4", "role: server, protocol: tcp, ports: 8080, families: ipv6"),
        (CLIENT, FORWARD.replace("443", "8080")),
        # A name server that also asks others, and a host that pings and is pinged.
        ("role: client, protocol: udp, ports: 53, client-ports: 32768-60999", "role: server, protocol: udp, ports: 53"),
        ("role: client, protocol: icmp", "role: server, protocol: icmp"),
        # Two ports of the servers behind a router, and one server that would have to ask itself.
        (FORWARD, FORWARD.replace("443", "80")),
        (
            "role: forward, protocol: tcp, ports: 443, servers: 10.0.0.1, client-ports: 1-65535",
            "role: forward, protocol: tcp, ports: 8080, servers: 10.0.0.1",
        ),
    ],
)
def test_legs_that_do_not_cross(first: str, second: str) -> None:
    assert said(two(first, second)) == said(two(second, first)) == []


@pytest.mark.parametrize(
    "wrong",
    [
        "role: server, protocol: tcp, ports: 80, loopback: hott",
        "role: server, protocol: tcp, ports: 80, loopback: hot, clients: nobody.example",
        "role: client, protocol: tcp, ports: 443, client-ports: none, loopback: hot",
    ],
)
def test_a_wrong_entry_contradicts_nobody(wrong: str) -> None:
    """What it would say once it is right, nobody knows."""
    assert len(said(two("role: server, protocol: tcp, ports: 80-9000", wrong))) == 1


def test_a_wrong_default_contradicts_nobody() -> None:
    text = "loopback: hott\n" + two(f"{SERVER}, loopback: hot", SERVER)
    assert [message.split(" ")[0] for message in said(text)] == ["1:11"]


# ── against brute force over a few addresses and ports ───────────────────────────────────────────

FEW = range(4)


def ranges() -> st.SearchStrategy[tuple[tuple[int, int], ...]]:
    chosen = st.sets(st.sampled_from(FEW), min_size=1)
    return chosen.map(lambda numbers: tuple((number, number) for number in sorted(numbers)))


def addresses() -> st.SearchStrategy[tuple[AddressRange, ...] | None]:
    return st.none() | ranges().map(lambda found: tuple(AddressRange(Family.IPV4, *pair) for pair in found))


ENTRIES = st.builds(
    Entry,
    name=st.just("a"),
    role=st.just("server"),
    protocols=st.sampled_from([(6,), (17,), (6, 17)]),
    ports=ranges(),
    servers=addresses(),
    clients=addresses(),
    client_ports=st.none() | ranges(),
    interface=st.none(),
    families=st.just((Family.IPV4,)),
    reserved=st.just(False),
    loopback=st.just("tracked"),
    icmp_errors=st.just("exact"),
    spans=st.just({}),
)

Flow = tuple[int, int, int, int, int]


def flows(entry: Entry) -> set[Flow]:
    """Protocol, client, client port, server, port; what nothing narrows has the few values."""

    def hosts(some: tuple[AddressRange, ...] | None) -> list[int]:
        return [item.first for item in some] if some is not None else list(FEW)

    def numbers(some: tuple[tuple[int, int], ...] | None) -> list[int]:
        return [low for low, _ in some] if some is not None else list(FEW)

    sides = hosts(entry.clients), numbers(entry.client_ports), hosts(entry.servers), numbers(entry.ports)
    return set(product(entry.protocols, *sides))


@given(ENTRIES, ENTRIES)
def test_shared_flow_is_exact(first: Entry, second: Entry) -> None:
    assert (shared_flow(first, second) is not None) == bool(flows(first) & flows(second))


@given(ENTRIES, ENTRIES)
def test_crossed_flow_is_exact(first: Entry, second: Entry) -> None:
    turned = {
        (protocol, server, port, client, client_port) for protocol, client, client_port, server, port in flows(first)
    }
    assert (crossed_flow(first, second) is not None) == bool(turned & flows(second))


RANGES = (
    st.sets(st.integers(0, 30), max_size=12)
    .map(sorted)
    .map(lambda ends: list(zip(ends[::2], ends[1::2], strict=False)))
)


@given(RANGES, RANGES)
def test_meet_is_intersection(left: list[tuple[int, int]], right: list[tuple[int, int]]) -> None:
    def members(some: list[tuple[int, int]]) -> set[int]:
        return {number for low, high in some for number in range(low, high + 1)}

    assert members(list(meet(left, right))) == members(left) & members(right)
