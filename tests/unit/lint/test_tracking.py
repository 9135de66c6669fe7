"""Why connection tracking is on: what each check of the group conntrack says, rule by rule."""

from __future__ import annotations

import pytest

from rulec import api

MATCH = "tracking-match"
TARGET = "tracking-target"
NAT = "tracking-nat"
LOADED = "conntrack-loaded"


def said(table: str, *rules: str, family: str = "ipv4") -> list[tuple[str, int, str]]:
    """Slug, line and the marked words of each finding."""
    text = "\n".join([f"*{table}", *rules, "COMMIT", ""])
    report = api.lint(api.parse(text, "rules", family), api.checks(["conntrack"]))
    return [
        (finding.slug, finding.line, text[finding.place.span.start : finding.place.span.end])
        for finding in report.findings
    ]


@pytest.mark.parametrize(
    ("table", "rule", "found"),
    [
        ("filter", "-A INPUT -m state --state NEW", [(MATCH, "state")]),
        ("filter", "-A INPUT -m conntrack --ctstate INVALID", [(MATCH, "conntrack")]),
        ("filter", "-A INPUT -m connlimit --connlimit-above 9", [(MATCH, "connlimit")]),
        ("filter", "-A INPUT -m helper --helper ftp", [(MATCH, "helper")]),
        ("filter", "-A INPUT -m state --state NEW -m helper --helper ftp", [(MATCH, "state"), (MATCH, "helper")]),
        ("mangle", "-A PREROUTING -j CONNMARK --save-mark", [(TARGET, "CONNMARK")]),
        ("raw", "-A PREROUTING -p tcp --dport 21 -j CT --helper ftp", [(TARGET, "CT")]),
        ("raw", "-A PREROUTING -j CT --notrack", [(LOADED, "CT")]),
        ("raw", "-A PREROUTING -j NOTRACK", [(LOADED, "NOTRACK")]),
        ("filter", "-A INPUT -p tcp -j ACCEPT", []),
        ("filter", "-A INPUT -m mark --mark 1 -j ACCEPT", []),
        ("raw", "-A PREROUTING -p udp --dport 53 -j ACCEPT", []),
    ],
)
def test_rule(table: str, rule: str, found: list[tuple[str, str]]) -> None:
    assert said(table, rule) == [(slug, 2, words) for slug, words in found]


@pytest.mark.parametrize(
    "target",
    ["MASQUERADE", "SNAT --to-source 192.0.2.1", "NETMAP --to 192.0.2.0/24"],
)
def test_nat(target: str) -> None:
    name = target.split(maxsplit=1)[0]
    assert said("nat", f"-A POSTROUTING -j {target}") == [(LOADED, 1, "*nat"), (NAT, 2, name)]


def test_empty_nat_table_loads_only() -> None:
    assert said("nat", ":OUTPUT ACCEPT [0:0]") == [(LOADED, 1, "*nat")]


@pytest.mark.parametrize(
    "rules",
    [
        (":dead - [0:0]", "-A dead -m state --state NEW"),  # nothing jumps there
        ("-A INPUT -j ACCEPT", "-A INPUT -m state --state NEW"),  # nothing gets there
    ],
)
def test_it_does_not_matter_where_the_rule_stands(rules: tuple[str, ...]) -> None:
    assert said("filter", *rules) == [(MATCH, 3, "state")]


@pytest.mark.parametrize(
    "rules",
    [
        ("-A INPUT -m state --state NEW", "-D INPUT 1"),
        ("-A INPUT -m state --state NEW", "-F INPUT"),
        ("-A INPUT -m state --state NEW", "-R INPUT 1 -j ACCEPT"),
    ],
)
def test_a_rule_that_is_gone_again_does_not_count(rules: tuple[str, ...]) -> None:
    assert said("filter", *rules) == []


@pytest.mark.parametrize(("family", "written"), [("ipv4", "IPv4"), ("ipv6", "IPv6")])
@pytest.mark.parametrize(
    ("table", "rule", "message"),
    [
        ("filter", "-A INPUT -m state --state NEW", "-m state has every FAMILY packet tracked"),
        ("mangle", "-A INPUT -j CONNMARK --save-mark", "-j CONNMARK has every FAMILY packet tracked"),
        ("nat", "-A POSTROUTING -j MASQUERADE", "NAT by -j MASQUERADE has every FAMILY packet tracked"),
    ],
)
def test_message_names_the_family(family: str, written: str, table: str, rule: str, message: str) -> None:
    report = api.lint(api.parse(f"*{table}\n{rule}\nCOMMIT\n", "rules", family), api.checks(["conntrack"]))
    assert report.findings[-1].message == message.replace("FAMILY", written)
    assert report.tracked_by == (2,)


def test_only_one_family_is_meant() -> None:
    """A line for the other family is read over by iptables-restore, and asks for nothing."""
    assert said("filter", "-6 -A INPUT -m state --state NEW") == []
    assert said("filter", "-4 -A INPUT -m state --state NEW") == [(MATCH, 2, "state")]
