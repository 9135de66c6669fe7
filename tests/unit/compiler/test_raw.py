"""The rules that leave a server's flows untracked, in both directions."""

from __future__ import annotations

import pytest

from rulec.compiler import raw
from rulec.compiler.flows import PortRange
from rulec.model.protocols import TCP, UDP
from tests.unit.compiler.compiling import compiled, filtered, policy, rules_of, server


@pytest.mark.parametrize(
    ("protocol", "ports", "dialect", "match", "target"),
    [
        (TCP, ((80, 80),), "ct", "-p tcp -m tcp --{}port 80", "CT --notrack"),
        (UDP, ((53, 53),), "notrack", "-p udp -m udp --{}port 53", "NOTRACK"),
        (TCP, ((8000, 8010),), "ct", "-p tcp -m tcp --{}port 8000:8010", "CT --notrack"),
        (TCP, ((80, 80), (443, 443)), "ct", "-p tcp -m multiport --{}ports 80,443", "CT --notrack"),
        (UDP, ((53, 53), (500, 600)), "ct", "-p udp -m multiport --{}ports 53,500:600", "CT --notrack"),
    ],
)
def test_both_directions(protocol: int, ports: tuple[PortRange, ...], dialect: str, match: str, target: str) -> None:
    """Requests to addresses of this host, and answers; loopback stays tracked."""
    assert list(raw.rules(protocol, ports, dialect)) == [
        f"-A PREROUTING ! -i lo {match.format('d')} -m addrtype --dst-type LOCAL -j {target}",
        f"-A OUTPUT ! -o lo {match.format('s')} -j {target}",
    ]


def singles(*ports: int) -> tuple[PortRange, ...]:
    return tuple((port, port) for port in ports)


@pytest.mark.parametrize(
    ("ports", "lists"),
    [
        (singles(*range(1, 16)), ["1,2,3,4,5,6,7,8,9,10,11,12,13,14,15"]),
        (singles(*range(1, 18)), ["1,2,3,4,5,6,7,8,9,10,11,12,13,14,15", "16,17"]),
        (
            (*singles(*range(1, 15)), (20, 29), (31, 31)),
            ["1,2,3,4,5,6,7,8,9,10,11,12,13,14", "20:29,31"],
        ),
        (
            tuple((low, low + 1) for low in range(10, 90, 10)),
            ["10:11,20:21,30:31,40:41,50:51,60:61,70:71", None],
        ),
    ],
)
def test_a_list_has_fifteen_places(ports: tuple[PortRange, ...], lists: list[str | None]) -> None:
    """A range takes two; what is left over alone needs no list."""
    rules = [rule for rule in raw.rules(TCP, ports, "ct") if rule.startswith("-A OUTPUT")]
    words = [rule.split() for rule in rules]
    assert [row[row.index("--sports") + 1] if "--sports" in row else None for row in words] == lists
    assert sum(row.count("--sport") for row in words) == lists.count(None)


@pytest.mark.parametrize(("dialect", "target"), [("ct", "CT --notrack"), ("notrack", "NOTRACK")])
def test_dialect_of_the_policy(dialect: str, target: str) -> None:
    wanted = policy(server(80), head=f"mode: notrack\ndialect: {dialect}\n")
    rules = "-A INPUT -m state --state ESTABLISHED -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT"
    text = compiled(filtered(rules), wanted).text
    for chain in ("PREROUTING", "OUTPUT"):
        assert [rule.split(" -j ")[1] for rule in rules_of(text, chain)] == [target]
