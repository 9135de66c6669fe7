"""The rules that leave flows untracked, in both directions."""

from __future__ import annotations

import pytest

from rulec.compiler import raw
from rulec.compiler.legs import flows
from rulec.model import Family
from tests.unit.compiler.compiling import compiled, filtered, policy, rules_of, server

LOCAL, ROUTED, CT = "-m addrtype --dst-type LOCAL", "-m addrtype ! --dst-type LOCAL", "-j CT --notrack"


def rules(keys: str, family: Family = Family.IPV4, dialect: str = "ct", looped: bool = False) -> list[str]:
    """The rules for an entry with these keys."""
    wanted = policy(f"  - {{name: web, {keys}}}\n")
    return [rule for flow in flows(wanted, family) for rule in raw.rules(flow, dialect, looped)]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (
            "role: server, protocol: tcp, ports: [80]",
            [
                f"-A PREROUTING ! -i lo -p tcp -m tcp --dport 80 {LOCAL} {CT}",
                f"-A OUTPUT ! -o lo -p tcp -m tcp --sport 80 {CT}",
            ],
        ),
        (
            "role: server, protocol: udp, ports: [53, '500-600'], client-ports: '1024-65535'",
            [
                f"-A PREROUTING ! -i lo -p udp -m udp --sport 1024:65535 -m multiport --dports 53,500:600 {LOCAL} {CT}",
                f"-A OUTPUT ! -o lo -p udp -m udp --dport 1024:65535 -m multiport --sports 53,500:600 {CT}",
            ],
        ),
        (
            "role: server, protocol: tcp, ports: [80], interface: eth0, servers: [192.0.2.1]",
            [
                f"-A PREROUTING -d 192.0.2.1/32 -i eth0 -p tcp -m tcp --dport 80 {LOCAL} {CT}",
                f"-A OUTPUT -s 192.0.2.1/32 ! -o lo -p tcp -m tcp --sport 80 {CT}",
            ],
        ),
        (
            "role: server, protocol: icmp",
            [
                f"-A PREROUTING ! -i lo -p icmp -m icmp --icmp-type 8 {LOCAL} {CT}",
                f"-A OUTPUT ! -o lo -p icmp -m icmp --icmp-type 0 {CT}",
            ],
        ),
        (
            "role: client, protocol: udp, ports: [53], client-ports: '32768-60999', servers: [192.0.2.53]",
            [
                f"-A OUTPUT -d 192.0.2.53/32 ! -o lo -p udp -m udp --sport 32768:60999 --dport 53 {CT}",
                f"-A PREROUTING -s 192.0.2.53/32 ! -i lo -p udp -m udp --sport 53 --dport 32768:60999 {LOCAL} {CT}",
            ],
        ),
        (
            "role: forward, protocol: tcp, ports: [80], servers: [192.0.2.10], clients: [198.51.100.0/24]",
            [
                f"-A PREROUTING -s 198.51.100.0/24 -d 192.0.2.10/32 -p tcp -m tcp --dport 80 {CT}",
                f"-A PREROUTING -s 192.0.2.10/32 -d 198.51.100.0/24 -p tcp -m tcp --sport 80 {ROUTED} {CT}",
            ],
        ),
        (
            "role: forward, protocol: tcp, ports: [80], servers: [192.0.2.10], interface: eth0",
            [
                f"-A PREROUTING -d 192.0.2.10/32 -i eth0 -p tcp -m tcp --dport 80 {CT}",
                f"-A PREROUTING -s 192.0.2.10/32 -p tcp -m tcp --sport 80 {ROUTED} {CT}",
            ],
        ),
    ],
)
def test_both_directions(keys: str, expected: list[str]) -> None:
    """Loopback stays tracked; of a router its own connections do, and answers may come back by any interface."""
    assert rules(keys) == expected


def test_ipv6() -> None:
    keys = "role: server, protocol: icmp, clients: ['2001:db8::/32', 192.0.2.0/24]"
    assert rules(keys, Family.IPV6)[0] == (
        f"-A PREROUTING -s 2001:db8::/32 ! -i lo -p ipv6-icmp -m icmp6 --icmpv6-type 128 {LOCAL} {CT}"
    )


def test_dialect() -> None:
    assert rules("role: server, protocol: tcp, ports: [80]", dialect="notrack")[1].endswith("-j NOTRACK")


def test_loopback() -> None:
    """Both directions are untracked as they leave, and arrive as they left."""
    keys = "role: server, protocol: tcp, ports: [80], loopback: hot"
    assert rules(keys, looped=True) == [
        f"-A PREROUTING ! -i lo -p tcp -m tcp --dport 80 {LOCAL} {CT}",
        f"-A OUTPUT -p tcp -m tcp --sport 80 {CT}",
        f"-A OUTPUT -o lo -p tcp -m tcp --dport 80 {CT}",
    ]


def test_all_ports_of_a_server() -> None:
    """Whoever begins a flow, its packets match."""
    assert list(dict.fromkeys(rules("role: server, protocol: tcp, ports: any, clients: [10.0.0.0/8]"))) == [
        f"-A PREROUTING -s 10.0.0.0/8 ! -i lo -p tcp {LOCAL} {CT}",
        f"-A OUTPUT -d 10.0.0.0/8 ! -o lo -p tcp {CT}",
    ]


def test_each_pair_of_addresses() -> None:
    """A range that is no network needs a match of its own."""
    own = "servers: [192.0.2.1, 192.0.2.3-192.0.2.5], clients: [10.0.0.0/8]"
    found = rules(f"role: server, protocol: tcp, ports: [80], {own}")
    assert [rule.split(" -m addrtype")[0] for rule in found if "PREROUTING" in rule] == [
        "-A PREROUTING -s 10.0.0.0/8 -d 192.0.2.1/32 ! -i lo -p tcp -m tcp --dport 80",
        "-A PREROUTING -s 10.0.0.0/8 ! -i lo -p tcp -m tcp --dport 80 -m iprange --dst-range 192.0.2.3-192.0.2.5",
    ]


@pytest.mark.parametrize(
    ("ports", "lists"),
    [
        (list(range(1, 30, 2)), ["1,3,5,7,9,11,13,15,17,19,21,23,25,27,29"]),
        (list(range(1, 34, 2)), ["1,3,5,7,9,11,13,15,17,19,21,23,25,27,29", "31,33"]),
        ([*range(1, 28, 2), "40-49", 51], ["1,3,5,7,9,11,13,15,17,19,21,23,25,27", "40:49,51"]),
        (
            [f"{low}-{low + 1}" for low in range(10, 90, 10)],
            ["10:11,20:21,30:31,40:41,50:51,60:61,70:71", None],
        ),
    ],
)
def test_a_list_has_fifteen_places(ports: list[int | str], lists: list[str | None]) -> None:
    """A range takes two; what is left over alone needs no list."""
    found = [rule for rule in rules(f"role: server, protocol: tcp, ports: {ports}") if rule.startswith("-A OUTPUT")]
    words = [rule.split() for rule in found]
    assert [row[row.index("--sports") + 1] if "--sports" in row else None for row in words] == lists
    assert sum(row.count("--sport") for row in words) == lists.count(None)


def test_each_protocol_of_an_entry() -> None:
    wanted = policy(server(53, protocol="[udp, tcp]", name="dns"))
    text = compiled(filtered("-A INPUT -m state --state ESTABLISHED -j ACCEPT\n-A INPUT -j ACCEPT"), wanted).text
    assert [rule.split()[6] for rule in rules_of(text, "PREROUTING")] == ["tcp", "udp"]
