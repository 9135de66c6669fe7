"""Policies drafted from tables: rulec takes each as it is."""

from __future__ import annotations

import pytest

import rulec.policy
from rulec.errors import RulecError
from rulec.host.conntrack.draft import drafts, policy
from rulec.host.conntrack.table import Table
from tests.unit.host.conntrack.dumps import counted
from tests.unit.host.conntrack.test_table import CLIENT, HOST, OTHER, flow

_ECHO = "src={} dst={} type={} code=0 id=9"
ECHO = f"icmp     1 29 {_ECHO.format(CLIENT, HOST, 8)} {_ECHO.format(HOST, CLIENT, 0)} mark=0 use=1\n"


def drafted(found: Table, **how: object) -> str:
    return policy(drafts(found, **how), found, "dump")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("entry", "role", "ports", "servers"),
    [
        (flow(CLIENT, HOST), "server", ((80, 80),), None),
        (flow(HOST, OTHER, dport=53, state=""), "client", ((53, 53),), OTHER),
        (flow("fd77::1", "2001:db8::80", dport=443), "forward", ((443, 443),), "2001:db8::80"),
        (ECHO, "server", (), None),
    ],
)
def test_a_policy_is_valid(entry: str, role: str, ports: object, servers: str | None) -> None:
    read, problems = rulec.policy.read(drafted(counted(entry, HOST)), "hot.yaml")
    assert problems == []
    assert read is not None
    (hot,) = read.hot
    assert (hot.role, hot.ports) == (role, ports)
    assert (hot.servers is None) is (servers is None)
    assert hot.client_ports == (((32768, 60999),) if role == "client" else None)


def test_the_ports_of_the_host_are_those_of_the_policy() -> None:
    found = counted(flow(HOST, OTHER, dport=53), HOST)
    read, problems = rulec.policy.read(policy(drafts(found, (20000, 30000)), found, "dump", (20000, 30000)), "hot.yaml")
    assert problems == []
    assert read is not None
    assert read.ephemeral == (20000, 30000)
    assert read.hot[0].client_ports == ((20000, 30000),)


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (flow(CLIENT, HOST, dport=45000), "reserved: true"),
        (flow("127.0.0.1", "127.0.0.1"), "loopback: hot"),
        (f"unknown  50 599 src={CLIENT} dst={HOST} src={HOST} dst={CLIENT} mark=0 use=1\n", "tcp, udp and ping"),
    ],
)
def test_what_is_left_out_says_why(entry: str, why: str) -> None:
    text = drafted(counted(flow(CLIENT, HOST) + entry, HOST))
    (line,) = (line for line in text.splitlines() if "left out" in line)
    assert why in line
    read, _ = rulec.policy.read(text, "hot.yaml")
    assert read is not None
    assert len(read.hot) == 1


def test_what_is_small_or_translated_is_not_drafted() -> None:
    text = flow(CLIENT, HOST) * 300 + flow(CLIENT, HOST, dport=22) * 2
    text += flow(CLIENT, HOST, dport=443, back=f"src=10.0.0.5 dst={CLIENT} sport=443 dport=40000") * 50
    found = counted(text, HOST)
    assert [draft.name for draft in drafts(found)] == ["tcp-80"]
    assert [draft.name for draft in drafts(found, least=0.001)] == ["tcp-80", "tcp-22"]


def test_of_many_servers_the_busiest_are_named_and_the_rest_is_told() -> None:
    text = "".join(flow(HOST, f"203.0.113.{number}") * (2 if number < 16 else 1) for number in range(20))
    (draft,) = drafts(counted(text, HOST))
    assert draft.entries == 32
    assert "    # 16 of 20 servers: they have 32 of 36 entries" in draft.lines


def test_nothing_to_draft_is_said() -> None:
    with pytest.raises(RulecError, match="no service of it can be untracked"):
        drafted(counted(flow("127.0.0.1", "127.0.0.1"), HOST))
