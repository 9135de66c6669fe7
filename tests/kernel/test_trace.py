"""What a trace says of packets that are not tracked, and what becomes of them between two real hosts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import rulec
from rulec.model import Family
from rulec.packetset.packet import read_packet
from rulec.query.trace import trace
from tests.kernel.conftest import restore
from tests.kernel.network import Pair, connection, entries, pair, talk

SERVER = {Family.IPV4: "192.0.2.10", Family.IPV6: "2001:db8:10::80"}
CLIENT = {Family.IPV4: "198.51.100.9", Family.IPV6: "2001:db8:51::9"}
HTTP = 80

RULES = """\
*raw
-A PREROUTING -p tcp --dport 80 -j NOTRACK
-A OUTPUT -p tcp --sport 80 -j NOTRACK
COMMIT
*filter
:INPUT DROP [0:0]
:OUTPUT DROP [0:0]
-A INPUT -p ipv6-icmp -j ACCEPT
-A OUTPUT -p ipv6-icmp -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A INPUT -p tcp --dport 80 -m conntrack --ctstate {incoming} -j ACCEPT
-A OUTPUT -p tcp --sport 80 -m conntrack --ctstate {outgoing} -j ACCEPT
COMMIT
"""


@pytest.fixture
def hosts() -> Iterator[Pair]:
    with pair(SERVER, CLIENT) as made:
        yield made


@pytest.mark.parametrize(
    ("incoming", "outgoing", "verdicts"),
    [
        ("NEW", "NEW,ESTABLISHED", ("DROP", "DROP")),
        ("UNTRACKED", "NEW,ESTABLISHED", ("ACCEPT", "DROP")),
        ("NEW", "UNTRACKED", ("DROP", "ACCEPT")),
        ("UNTRACKED", "UNTRACKED", ("ACCEPT", "ACCEPT")),
    ],
)
@pytest.mark.parametrize("backend", ["legacy", "nft"])
@pytest.mark.parametrize("family", Family)
def test_connects_where_both_legs_are_accepted(
    incoming: str, outgoing: str, verdicts: tuple[str, str], backend: str, family: Family, hosts: Pair
) -> None:
    rules = RULES.format(incoming=incoming, outgoing=outgoing)
    assert legs(rules, family) == verdicts
    restore(hosts.server, rules, family, backend).check_returncode()
    assert connects(hosts, family) == (verdicts == ("ACCEPT", "ACCEPT"))
    assert entries(hosts.server, family) == []


def legs(rules: str, family: Family) -> tuple[str, ...]:
    """What a trace says of the first packet, and of its answer."""
    client, server = (f"[{at[family]}]" if family is Family.IPV6 else at[family] for at in (CLIENT, SERVER))
    request = f"tcp {client}:40000 > {server}:{HTTP} syn in wire state NEW"
    answer = f"tcp {server}:{HTTP} > {client}:40000 syn,ack out wire"
    packets = [read_packet(text) for text in (request, answer)]
    return tuple(found.verdict for found in trace(rulec.parse(rules, family=family.value), packets))


def connects(hosts: Pair, family: Family) -> bool:
    """Whether there is a connection; what is dropped times out."""
    try:
        with connection(hosts, family, HTTP) as (near, far):
            return talk(near, far)
    except TimeoutError:
        return False
