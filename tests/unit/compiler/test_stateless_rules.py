"""What single rules become when nothing is tracked any more."""

from __future__ import annotations

import pytest

import rulec
from rulec.compiler.stateless_rules import obstacles, restated
from rulec.syntax.ruleset import Ruleset


def ruleset(rule: str, family: str = "ipv4", table: str = "filter") -> Ruleset:
    chain = "PREROUTING" if table == "raw" else "INPUT"
    found = rulec.parse(f"*{table}\n:{chain} ACCEPT [0:0]\n:CHAIN - [0:0]\n{rule}\nCOMMIT\n", "rules", family)
    assert found.valid, found.findings
    return found


KEPT = [
    ("-A INPUT -p tcp --dport 22 -m state --state NEW -j ACCEPT", "-A INPUT -p tcp --dport 22 -j ACCEPT"),
    ("-A INPUT -m state --state NEW -p tcp --dport 22 -j ACCEPT", "-A INPUT -p tcp --dport 22 -j ACCEPT"),
    ("-A INPUT -m conntrack ! --ctstate INVALID -j ACCEPT", "-A INPUT -j ACCEPT"),
    ("[1:2] -A INPUT -p udp -m state --state=NEW,ESTABLISHED -j ACCEPT", "[1:2] -A INPUT -p udp -j ACCEPT"),
    ("-A INPUT -s 10.0.0.1,10.0.0.2 -m state --state NEW -j ACCEPT", "-A INPUT -s 10.0.0.1,10.0.0.2 -j ACCEPT"),
    (
        '-A INPUT -m comment --comment "a  b" -m state --state NEW -j CHAIN',
        '-A INPUT -m comment --comment "a  b" -j CHAIN',
    ),
    ("-A INPUT -p tcp --dport 22 --syn -m state --state NEW -j ACCEPT", "-A INPUT -p tcp --dport 22 --syn -j ACCEPT"),
    ("-A INPUT -m conntrack ! --ctstate ESTABLISHED,RELATED -j DROP", "-A INPUT -j DROP"),
    ("-A INPUT -m state --state NEW -m conntrack --ctstate NEW -j DROP", "-A INPUT -j DROP"),
    ("-A INPUT -p icmp -m state --state NEW,ESTABLISHED,RELATED -j ACCEPT", "-A INPUT -p icmp -j ACCEPT"),
    (
        "-A INPUT -p tcp -m conntrack --ctstate NEW --ctorigdstport 80 --ctorigsrc 10.0.0.1 -j ACCEPT",
        "-A INPUT -s 10.0.0.1/32 -p tcp -m tcp --dport 80 -j ACCEPT",
    ),
    (
        "-A INPUT -p tcp --tcp-flags ALL NONE -m state --state NEW -j DROP",
        "-A INPUT -p tcp --tcp-flags ALL NONE -j DROP",
    ),
    ("-A INPUT -p tcp --dport 80 -m conntrack --ctstate UNTRACKED -j ACCEPT", "-A INPUT -p tcp --dport 80 -j ACCEPT"),
]


@pytest.mark.parametrize(("rule", "expected"), KEPT)
def test_rules_that_take_what_is_new_lose_their_question(rule: str, expected: str) -> None:
    assert restated(ruleset(rule), 4) == (expected,)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (
            "-A INPUT -p tcp --dport 22 -m state --state NEW -m recent --set --name a",
            "-A INPUT -p tcp --dport 22 --syn -m recent --set --name a",
        ),
        (
            "-A INPUT -p tcp -m state --state NEW -m limit --limit 5/min -j ACCEPT",
            "-A INPUT -p tcp --syn -m limit --limit 5/min -j ACCEPT",
        ),
        ("-A INPUT -p tcp -m conntrack --ctstate NEW -j LOG", "-A INPUT -p tcp --syn -j LOG"),
        ("-A INPUT -p udp -m conntrack --ctstate NEW -j LOG", "-A INPUT -p udp -j LOG"),
        ("-A INPUT -p tcp -m conntrack --ctstate NEW,ESTABLISHED -j LOG", "-A INPUT -p tcp -j LOG"),
    ],
)
def test_what_counts_or_logs_connections_of_tcp_asks_for_syn(rule: str, expected: str) -> None:
    assert restated(ruleset(rule), 4) == (expected,)


@pytest.mark.parametrize(
    "rule",
    [
        "-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT",
        "-A INPUT -m state --state INVALID -j DROP",
        "-A INPUT -m conntrack ! --ctstate NEW -j ACCEPT",
        "-A INPUT -m conntrack --ctstate ESTABLISHED -j CHAIN",
        "-A INPUT -m conntrack --ctstate UNTRACKED -j ACCEPT",
        "-A INPUT -p tcp ! --syn -m state --state NEW -j DROP",
        "-A INPUT -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -m state --state NEW -j LOG",
        "-A INPUT -p tcp --tcp-flags ACK ACK -m state --state NEW -j DROP",
        "-A INPUT -m conntrack --ctstate DNAT -j ACCEPT",
    ],
)
def test_rules_for_known_connections_and_strays_are_taken_out(rule: str) -> None:
    assert restated(ruleset(rule), 4) == ()


@pytest.mark.parametrize(
    ("rule", "family", "types"),
    [
        ("-A INPUT -p icmp -m state --state NEW -j ACCEPT", "ipv4", (8, 13, 15, 17)),
        ("-A INPUT -p icmp -m state --state NEW,RELATED -j ACCEPT", "ipv4", (8, 13, 15, 17, 3, 11, 12)),
        ("-A INPUT -p ipv6-icmp -m state --state NEW,ESTABLISHED -j ACCEPT", "ipv6", (128, 139, 129, 140)),
    ],
)
def test_icmp_is_told_by_its_types(rule: str, family: str, types: tuple[int, ...]) -> None:
    found = restated(ruleset(rule, family), 4)
    assert [line.rpartition("-type ")[2].split()[0] for line in found] == list(map(str, types))


def test_discovery_is_left_out_where_asked() -> None:
    found = restated(ruleset("-A INPUT -s fe80::/10 -m state --state NEW -j ACCEPT", "ipv6"), 4, leaves_discovery=True)
    assert found == (
        "-A INPUT -s fe80::/10 ! -p ipv6-icmp -j ACCEPT",
        "-A INPUT -s fe80::/10 -p ipv6-icmp -m icmp6 --icmpv6-type 128 -j ACCEPT",
        "-A INPUT -s fe80::/10 -p ipv6-icmp -m icmp6 --icmpv6-type 139 -j ACCEPT",
    )


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("-A INPUT -p tcp -m connlimit --connlimit-above 3 -j DROP", "-m connlimit cannot be had"),
        ("-A INPUT -m connmark --mark 1 -j DROP", "-m connmark cannot be had"),
        ("-A INPUT -j CONNMARK --save-mark", "CONNMARK cannot be had"),
        ("-A INPUT -m helper --helper ftp -j ACCEPT", "-m helper cannot be had"),
        ("-A INPUT -m connlabel --label 1 -j ACCEPT", "-m connlabel cannot be had"),
        ("-A INPUT -m conntrack --ctstatus ASSURED -j ACCEPT", "without tracking there is no --ctstatus"),
        ("-A INPUT -m conntrack --ctstate NEW --ctdir ORIGINAL -j ACCEPT", "without tracking there is no --ctdir"),
    ],
)
def test_obstacles_name_the_rule(rule: str, why: str) -> None:
    (found,) = obstacles(ruleset(rule))
    assert found.line == 4
    assert str(found).startswith(why)


@pytest.mark.parametrize("rule", ["-A PREROUTING -j CT --notrack", "-A PREROUTING -p tcp -j NOTRACK"])
def test_notrack_rules_are_no_obstacles(rule: str) -> None:
    assert list(obstacles(ruleset(rule, table="raw"))) == []
