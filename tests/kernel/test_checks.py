"""Rules that no packet meets, in the kernel: their counters stay at 0, whatever packets are sent.

Each rule is loaded alone as well, where the same packets are counted: they are
aimed well.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from rulec import api
from rulec.model import Family
from tests.kernel.conftest import installed, restore
from tests.kernel.fuzz.bed import Bed, bed
from tests.kernel.fuzz.counters import saved
from tests.kernel.fuzz.packet import Packet
from tests.kernel.fuzz.topology import HARDWARE, number
from tests.unit.lint.linting import text_of

if missing := [tool for tool in ("ip", "nft", "ipset", "sysctl") if not installed(tool)]:
    pytest.skip(f"not installed: {', '.join(missing)}", allow_module_level=True)

SYN, ACK = 2, 16
PORTS = (22, 53, 80, 150)
ENDS = (
    ("lan0", "192.0.2.2", "192.0.2.1"),
    ("lan0", "192.0.2.130", "192.0.2.1"),
    ("lan1", "172.16.0.2", "172.16.0.1"),
    ("lan0", "192.0.2.2", "198.51.100.77"),
    ("wan0", "198.51.100.77", "192.0.2.2"),
)
"""Packets to the router, and through it."""


class Case(NamedTuple):
    """A ruleset with one dead rule, and the check that finds it; the rule alone, None where it never matches."""

    slug: str
    text: str
    dead: str
    alone: str | None


def case(slug: str, *lines: str, dead: int, table: str = "filter", first: str = "") -> Case:
    """A ruleset of some lines; the rule stands alone in the base chain of the hook to which its chain belongs."""
    chain, _, rule = lines[dead].partition(" ")
    alone = "" if slug == "never-matches" else text_of(f"{chain if chain.isupper() else 'INPUT'} {rule}", table=table)
    return Case(slug, first + text_of(*lines, table=table), lines[dead], alone or None)


CASES = [
    case("unreachable-rule", "INPUT -s 192.0.2.0/24 -j ACCEPT", "INPUT -s 192.0.2.2 -p tcp --dport 22 -j ACCEPT",
         dead=1),
    case("shadowed-rule", "INPUT -s 192.0.2.0/24 -j DROP", "INPUT -s 192.0.2.2 -j ACCEPT", dead=1),
    case("shadowed-rule", "INPUT -p tcp --dport 1:99 -j DROP", "INPUT -p tcp --dport 100:200 -j REJECT",
         "INPUT -p tcp -m multiport --dports 80,150 -j ACCEPT", dead=2),
    case("unreachable-rule", "FORWARD -o wan0 -j DROP", "FORWARD -i lan0 -o wan0 -p tcp -j LOG", dead=1),
    case("shadowed-rule", ":tcp - [0:0]", "INPUT -p tcp -j tcp", "INPUT -p tcp --dport 22 -j ACCEPT",
         "tcp -s 192.0.2.0/25 -j DROP", "tcp ! -s 192.0.2.0/25 -j DROP", dead=2),
    case("unreachable-rule", ":lan - [0:0]", "INPUT -i lan0 -s 192.0.2.0/24 -j lan", "lan -s 172.16.0.0/16 -j ACCEPT",
         "lan -p udp -j DROP", dead=2),
    case("shadowed-rule", ":lan - [0:0]", "INPUT -s 192.0.2.0/24 -j DROP", "INPUT -j lan",
         "lan -s 192.0.2.2 -j ACCEPT", "lan -p udp -j DROP", dead=3),
    case("port-match-on-wrong-protocol", ":udp - [0:0]", "INPUT -p udp -j udp", "udp -p udp --dport 53 -j ACCEPT",
         "udp -p tcp --dport 53 -j ACCEPT", dead=3),
    case("never-matches", "INPUT -p tcp --syn -m tcp --tcp-flags ACK ACK -j ACCEPT", "INPUT -p udp -j DROP", dead=0),
    case("never-matches", "FORWARD -i lo -j ACCEPT", "FORWARD -p udp -j DROP", dead=0),
    case("never-matches", ":in - [0:0]", "INPUT -j in", "in -o lan0 -j ACCEPT", "in -p udp -j DROP", dead=2),
    case("duplicate-rule", "INPUT -p tcp --dport 22 -j ACCEPT", "INPUT -p udp -j DROP",
         "INPUT -p tcp -m tcp --dport 22 -j ACCEPT", dead=2),
    case("dead-after-terminal", "INPUT -p tcp --dport 22 -j ACCEPT", "INPUT -j DROP", "INPUT -p udp -j ACCEPT", dead=2),
    case("dead-after-terminal", ":rest - [0:0]", "INPUT -j rest", "INPUT -p udp -j ACCEPT",
         "rest -p tcp -j ACCEPT", "rest -j DROP", dead=2),
    case("dead-after-terminal", ":rest - [0:0]", "INPUT -g rest", "INPUT -p udp -j ACCEPT", "rest -p tcp -j DROP",
         dead=2),
    case("shadowed-rule", "INPUT -s 192.0.2.2 -j ACCEPT", dead=0,
         first=text_of("PREROUTING -s 192.0.2.0/24 -j DROP", table="raw")),
    case("unreachable-rule", "INPUT -i lan0 -p udp -m state --state NEW -j ACCEPT", dead=0,
         first=text_of("PREROUTING -p udp -j NOTRACK", table="raw")),
    case("unreachable-rule", "PREROUTING -j MARK --set-mark 1", "PREROUTING -m mark --mark 0 -j DROP", dead=1,
         table="mangle"),
]  # fmt: skip


@pytest.fixture(name="router", scope="module", params=["legacy", "nft"])
def one_router(request: pytest.FixtureRequest) -> Iterator[Bed]:
    with bed(request.param) as made:
        yield made


def send_all(router: Bed) -> None:
    """Packets to many ports, of several kinds, by all interfaces."""
    for via, source, destination in ENDS:
        for port in PORTS:
            packet = Packet(Family.IPV4, via, number(source), number(destination), 6, sport=1024, dport=port)
            for proto, flags in ((6, SYN), (6, ACK), (17, 0)):
                made = Packet(**{**packet.__dict__, "proto": proto, "flags": flags})
                router.arrive(via, Family.IPV4, b"\2\0\0\0\1\1", HARDWARE[via], made.data)
    time.sleep(0.05)


def counted(router: Bed, text: str, rule: str) -> int:
    """How many packets a rule counts."""
    chain = rule.partition(" ")[0]
    table, lines = text.rpartition("\n*")[2].removeprefix("*").split("\n", 1)
    place = [line for line in lines.splitlines() if line.startswith(f"-A {chain} ")].index(f"-A {rule}")
    for name in ("raw", "mangle", "filter"):
        restore(router.router, f"*{name}\nCOMMIT\n", Family.IPV4, router.backend).check_returncode()
    restore(router.router, text, Family.IPV4, router.backend).check_returncode()
    router.forget_connections()
    send_all(router)
    return saved(router.backend, router.router, Family.IPV4)[table, chain, place]


@pytest.mark.parametrize("one", CASES, ids=lambda one: f"{one.slug}: {one.dead}")
def test_no_packet_meets_a_dead_rule(one: Case, router: Bed) -> None:
    found = api.lint(api.parse(one.text), api.checks([one.slug])).findings
    assert [finding.place.source.line(finding.line) for finding in found] == [f"-A {one.dead}"]
    assert counted(router, one.text, one.dead) == 0
    if one.alone is not None:
        (rule,) = (line.removeprefix("-A ") for line in one.alone.splitlines() if line.startswith("-A "))
        assert counted(router, one.alone, rule) > 0


# ── circles that nothing comes to ──

CIRCLE = (":a - [0:0]", ":b - [0:0]", "a -s 192.0.2.0/24 -j b", "b -p tcp -j a")


@pytest.mark.parametrize(("jump", "loads"), [((), True), (("INPUT -p udp -j a",), False)])
def test_a_circle_is_refused_where_packets_come(jump: tuple[str, ...], loads: bool, router: Bed) -> None:
    text = text_of(*CIRCLE, *jump)
    restore(router.router, "*filter\nCOMMIT\n", Family.IPV4, router.backend).check_returncode()
    done = restore(router.router, text, Family.IPV4, router.backend)
    ruleset = api.parse(text)
    assert (done.returncode == 0) is loads is ruleset.valid
    assert [finding.slug for finding in api.lint(ruleset, api.checks(["jump-loop"])).findings] == ["jump-loop"] * loads
