"""Why connection tracking is on: what each check of the group conntrack says, rule by rule."""

from __future__ import annotations

import pytest

from rulec import api
from rulec.kernel.generations import KERNELS

MATCH = "tracking-match"
TARGET = "tracking-target"
NAT = "tracking-nat"
LOADED = "conntrack-loaded"


def said(table: str, *rules: str, family: str = "ipv4", kernel: str = "6.x") -> list[tuple[str, int, str]]:
    """Slug, line and the marked words of each finding."""
    text = "\n".join([f"*{table}", *rules, "COMMIT", ""])
    report = api.lint(api.parse(text, "rules", family), api.checks(["conntrack"]), kernel=kernel)
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


GONE = [
    ("-A INPUT -m state --state NEW", "-D INPUT 1"),
    ("-A INPUT -m state --state NEW", "-D INPUT -m state --state NEW"),
    ("-A INPUT -m state --state NEW", "-F INPUT"),
    ("-A INPUT -m state --state NEW", "-R INPUT 1 -j ACCEPT"),
    ("-A INPUT -m state --state NEW", "COMMIT", "*filter"),
]


@pytest.mark.parametrize("rules", GONE)
def test_a_rule_that_is_gone_again_only_loads(rules: tuple[str, ...]) -> None:
    assert said("filter", *rules) == [(LOADED, 2, "state")]
    assert said("filter", *rules, kernel="el7") == [(LOADED, 2, "state")]


@pytest.mark.parametrize("rules", GONE)
def test_where_loading_tracks_a_rule_that_is_gone_tracks(rules: tuple[str, ...]) -> None:
    assert said("filter", *rules, kernel="el5") == [(MATCH, 2, "state")]


def test_of_rules_that_are_gone_nothing_is_said_where_others_load_as_well() -> None:
    assert said("filter", *GONE[0], "-A INPUT -m conntrack --ctstate NEW") == [(MATCH, 4, "conntrack")]
    assert said("filter", *GONE[0], "COMMIT", "*nat") == [(LOADED, 5, "*nat")]
    twice = "-A INPUT -m helper --helper ftp"
    assert said("filter", *GONE[0], twice, "-D INPUT 1") == [(LOADED, 2, "state")]
    assert said("filter", "-A INPUT -j ACCEPT", "-D INPUT 1") == []


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


# ── other kernels ────────────────────────────────────────────────────────────────────────────────

NOTRACK = "-A PREROUTING -j NOTRACK"
SINCE_4_14 = ("6.x", "5.x", "4.14", "el8", "el9")


@pytest.mark.parametrize(
    ("table", "rule", "family", "tracking"),
    [
        ("nat", ":OUTPUT ACCEPT [0:0]", "ipv4", {"el5", "el6", "el7"}),
        ("nat", ":OUTPUT ACCEPT [0:0]", "ipv6", {"el5", "el7"}),
        ("raw", NOTRACK, "ipv4", {"el5"}),  # later the module alone has no hooks
        ("raw", "-A PREROUTING -j CT --notrack", "ipv4", {"el5"}),
        ("filter", "-A INPUT -m state --state NEW", "ipv4", set(KERNELS)),
        ("raw", "-A PREROUTING -j CT", "ipv4", set(KERNELS)),
        ("filter", "-A INPUT -j ACCEPT", "ipv4", set()),
    ],
)
def test_kernels(table: str, rule: str, family: str, tracking: set[str]) -> None:
    ruleset = api.parse(f"*{table}\n{rule}\nCOMMIT\n", "rules", family)
    for kernel in KERNELS:
        report = api.lint(ruleset, api.checks(["conntrack"]), kernel=kernel)
        assert bool(report.tracked_by) is (kernel in tracking), kernel
        slugs = {finding.slug for finding in report.findings}
        assert bool(slugs - {LOADED}) is (kernel in tracking), kernel


@pytest.mark.parametrize("kernel", SINCE_4_14)
def test_an_empty_nat_table_only_loads_since_4_14(kernel: str) -> None:
    assert said("nat", kernel=kernel) == [(LOADED, 1, "*nat")]


@pytest.mark.parametrize("kernel", ["el5", "el6", "el7"])
def test_an_empty_nat_table_tracked_before(kernel: str) -> None:
    assert said("nat", kernel=kernel) == [(NAT, 1, "*nat")]
    assert said("nat", "-A POSTROUTING -j MASQUERADE", kernel=kernel) == [(NAT, 1, "*nat"), (NAT, 2, "MASQUERADE")]


def test_the_closing_verdict_names_tables() -> None:
    ruleset = api.parse(f"*raw\n{NOTRACK}\nCOMMIT\n*nat\nCOMMIT\n", "rules", "ipv4")
    last = {kernel: [*api.render([api.lint(ruleset, kernel=kernel)], "full")][-1] for kernel in ("el5", "el6", "6.x")}
    assert last == {
        "el5": "rules: IPv4 is tracked, because of the rule on line 2 and the table nat on line 4",
        "el6": "rules: IPv4 is tracked, because of the table nat on line 4",
        "6.x": "rules: nothing here has IPv4 tracked (another ruleset of the host still can)",
    }


def test_rhel_5_tracks_ipv4_alone() -> None:
    """Its only module of connection tracking is ip_conntrack, and an IPv6 rule loads that, too."""
    ruleset = api.parse("*filter\n-A INPUT -m state --state NEW\nCOMMIT\n", "rules", "ipv6")
    report = api.lint(ruleset, api.checks(["tracking-match"]), kernel="el5")
    assert report.findings[0].message == "-m state has every IPv4 packet tracked"
    assert [*api.render([report], "full")][-1] == "rules: IPv4 is tracked, because of the rule on line 2"


def test_modules_of_other_files_take_part_in_the_closing_verdict() -> None:
    config = api.read_config("etc/iptables-config", "IPTABLES_MODULES=ip_conntrack_ftp\n")
    ruleset = api.parse("*filter\nCOMMIT\n", "rules", "ipv4")
    for kernel, verdict in (
        ("el5", "IPv4 is tracked, because of what is loaded by etc/iptables-config:1"),
        ("6.x", "nothing here has IPv4 tracked (another ruleset of the host still can)"),
    ):
        report = api.lint(ruleset, kernel=kernel, configs=[config])
        assert [*api.render([report], "full")] == [f"rules: {verdict}"]


@pytest.mark.parametrize(
    ("text", "rules", "kernel", "tracked"),
    [
        ("options nf_conntrack enable_hooks=1\n", NOTRACK, "6.x", True),  # its module is enough
        ("options nf_conntrack enable_hooks=1\n", "-A PREROUTING -j ACCEPT", "6.x", False),  # nothing loads it
        ("options nf_conntrack enable_hooks=1\n", NOTRACK, "el8", False),  # came with Linux 5.1
        ("options nf_conntrack enable_hooks=0\n", NOTRACK, "6.x", False),
    ],
)
def test_the_parameter_that_has_everything_tracked(text: str, rules: str, kernel: str, tracked: bool) -> None:
    config = api.read_config("modprobe.d/x.conf", text)
    ruleset = api.parse(f"*raw\n{rules}\nCOMMIT\n", "rules", "ipv4")
    report = api.lint(ruleset, kernel=kernel, configs=[config])
    assert [label.line for label in report.modules] == [1] * tracked
