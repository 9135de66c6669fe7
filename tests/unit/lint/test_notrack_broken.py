"""What NOTRACK breaks in rules that are right by themselves: INVALID, REJECT, SYNPROXY, helpers, ports, fragments."""

from __future__ import annotations

import pytest

from rulec import api
from rulec.analysis.facts import Facts
from rulec.analysis.host import HostFacts
from rulec.analysis.local_ports import local_ports
from rulec.diagnostics import Confidence, Safety, Severity
from rulec.kernel.generations import CURRENT
from rulec.lint.checks import CHECKS
from tests.unit.lint import test_notrack as others
from tests.unit.lint.linting import applied, found, rules_named
from tests.unit.lint.notrack import (
    ANSWERS,
    BOTH,
    FORWARDED,
    FROM_WEB,
    KNOWN,
    RAW_CLIENT,
    RAW_FROM_WEB,
    RAW_TO_WEB,
    REQUESTS,
    ROUTER,
    SERVER,
    TO_WEB,
    table,
    text,
    without_notrack,
)

INVALID_IN, INVALID_OUT, INVALID_THROUGH = (
    f"{chain} -m conntrack --ctstate INVALID -j DROP" for chain in ("INPUT", "OUTPUT", "FORWARD")
)
SYN_ONLY = "PREROUTING -p tcp --syn --dport 80 -j CT --notrack"

REFUSED = "INPUT -p tcp --dport 80 -j REJECT --reject-with tcp-reset"
REFUSED_THROUGH = REFUSED.replace("INPUT", "FORWARD")
CLOSED_OUTPUT = (":OUTPUT DROP [0:0]", "OUTPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT")
UNTRACKED_OUT = "OUTPUT -p tcp --sport 80 -m conntrack --ctstate UNTRACKED -j ACCEPT"

PROXY = "INPUT -p tcp --dport 80 -m conntrack --ctstate INVALID,UNTRACKED -j SYNPROXY --sack-perm --mss 1460"
PROXIED = (PROXY, INVALID_IN, KNOWN, "INPUT -p tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT")
PROXIED_THROUGH = tuple(rule.replace("INPUT", "FORWARD") for rule in PROXIED)
SYN_ACK_OUT = "OUTPUT -p tcp --sport 80 --tcp-flags SYN,ACK SYN,ACK -m conntrack --ctstate INVALID -j ACCEPT"

FTP = tuple(rule.replace("80", "21") for rule in SERVER)
FTP_FROM_FRIENDS = (FTP[0].replace("-p", "-s 192.0.2.0/24 -p"), FTP[1].replace("-p", "-d 192.0.2.0/24 -p"))
FTP_ACCEPTED = BOTH.replace("80", "21")
GIVEN = "PREROUTING -p tcp --dport 21 -j CT --helper ftp"
BY_HELPER = "INPUT -m helper --helper ftp -m conntrack --ctstate RELATED -j ACCEPT"
KNOWN_ONLY = KNOWN.replace(",RELATED", "")
TFTP = "INPUT -p udp --dport 69 -m conntrack --ctstate NEW,UNTRACKED -j ACCEPT"
RAW_TFTP = ("PREROUTING -p udp --dport 69 -j NOTRACK", "PREROUTING -p udp --dport 69 -j CT --helper tftp")
RAW_NAMES = ("OUTPUT -p udp --dport 137 -j CT --notrack", "OUTPUT -p udp --dport 137 -j CT --helper netbios-ns")

HIGH = tuple(rule.replace("80", "40000") for rule in SERVER)
HIGH_ACCEPTED = BOTH.replace("80", "40000")
HIGH_FOR_FRIENDS = HIGH_ACCEPTED.replace("-p", "-s 192.0.2.0/24 -p")

DATAGRAMS = "FORWARD -p udp --dport 53 -j ACCEPT"
FOR_THIS_HOST = "INPUT -s 2001:db8::53 -p udp --sport 53 -j ACCEPT"
CLOSED_V6 = (":INPUT DROP [0:0]", "INPUT -p ipv6-icmp -j ACCEPT", FOR_THIS_HOST)
DUMMY = table("mangle", "PREROUTING -p 253 -m socket")


def stateless(*rules: str, beside: str = "") -> str:
    return table("filter", *rules) + beside


CASES: list[tuple[str, str, str, str]] = [
    ("invalid-drop-hits-replies", text((KNOWN, BOTH, INVALID_OUT), (REQUESTS,)), INVALID_OUT, "tcp 198.51.100.7:80 > "),
    ("invalid-drop-hits-replies", text((KNOWN, BOTH, INVALID_OUT), (SYN_ONLY,)), INVALID_OUT, "tcp 198.51.100.7:80 > "),
    ("invalid-drop-hits-replies", text((INVALID_IN, KNOWN, "INPUT -p tcp --dport 80 -j ACCEPT"), (ANSWERS,)),
     INVALID_IN, "tcp 198.51.100.7:40000 > 192.0.2.1:80 ack"),
    ("invalid-drop-hits-replies", text((KNOWN, BOTH), (REQUESTS,), table(
        "mangle", "POSTROUTING -m conntrack --ctstate INVALID -j DROP")),
     "POSTROUTING -m conntrack --ctstate INVALID -j DROP", "tcp "),
    ("invalid-drop-hits-replies", text((*ROUTER, INVALID_THROUGH, FORWARDED, TO_WEB), (RAW_TO_WEB,)), INVALID_THROUGH,
     "tcp 10.2.0.2:80 > "),
    ("reject-reset-is-invalid", text((KNOWN, REFUSED, INVALID_OUT)), REFUSED, "tcp 198.51.100.7:80 > 192.0.2.1:"),
    ("reject-reset-is-invalid", text((KNOWN, REFUSED, UNTRACKED_OUT, INVALID_OUT)), REFUSED, "tcp "),
    ("reject-reset-is-invalid", text((KNOWN, REFUSED, *CLOSED_OUTPUT, UNTRACKED_OUT)), REFUSED, "tcp "),
    ("reject-reset-is-invalid", text((REFUSED_THROUGH, INVALID_OUT), (RAW_TO_WEB, RAW_FROM_WEB)), REFUSED_THROUGH,
     "tcp 198.51.100.7:80 > 10.2.0.2:"),
    ("notrack-on-synproxy", text(PROXIED, (REQUESTS,)), REQUESTS, "tcp 198.51.100.7:40000 > 192.0.2.1:80 ack"),
    ("notrack-on-synproxy", text(PROXIED, (SYN_ONLY, ANSWERS)), ANSWERS, "tcp 198.51.100.7:80 > "),
    ("notrack-on-synproxy", text((BOTH, *PROXIED), (SYN_ONLY,)), PROXY, "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn"),
    ("notrack-on-synproxy", text((*PROXIED, INVALID_OUT), (SYN_ONLY,)), PROXY, "tcp 198.51.100.7:80 > 192.0.2.1:"),
    ("notrack-on-synproxy", text((*PROXIED, *CLOSED_OUTPUT), (SYN_ONLY,)), PROXY, "tcp 198.51.100.7:80 > "),
    ("notrack-on-synproxy", text((*PROXIED_THROUGH, INVALID_OUT), (SYN_ONLY,)), PROXIED_THROUGH[0], "tcp "),
    ("notrack-on-helper-port", text((KNOWN, FTP_ACCEPTED), (*FTP, GIVEN)), FTP[0],
     "tcp 198.51.100.7:40000 > 192.0.2.1:21 syn"),
    ("notrack-on-helper-port", text((KNOWN_ONLY, FTP_ACCEPTED, BY_HELPER), (*FTP, GIVEN)), FTP[0], "tcp "),
    ("notrack-on-helper-port", text((KNOWN_ONLY, FTP_ACCEPTED, BY_HELPER), FTP), FTP[0], "tcp "),
    ("notrack-on-helper-port", text((KNOWN, TFTP, *CLOSED_OUTPUT), RAW_TFTP), RAW_TFTP[0], "udp "),
    ("notrack-on-helper-port", text((KNOWN,), RAW_NAMES), RAW_NAMES[0], "udp 198.51.100.7:40000 > 192.0.2.1:137"),
    ("hot-port-in-ephemeral-range", text((KNOWN, HIGH_FOR_FRIENDS), HIGH), HIGH[0],
     "tcp 198.51.100.7:40000 > 192.0.2.1:40000 ack"),
    ("hot-port-in-ephemeral-range", text((KNOWN, HIGH_ACCEPTED), HIGH), HIGH[0], "tcp 198.51.100.7:40000 > "),
    ("fragments-unreassembled", stateless(":FORWARD DROP [0:0]", DATAGRAMS), DATAGRAMS, "udp "),
    ("fragments-unreassembled", stateless(":FORWARD DROP [0:0]", DATAGRAMS, beside=table(
        "raw", "PREROUTING -p udp --dport 53 -j CT --notrack")), DATAGRAMS, "udp "),
    ("fragments-unreassembled", stateless(*CLOSED_V6), FOR_THIS_HOST, "udp 2001:db8::53 > "),
    ("fragments-unreassembled",
     stateless(*CLOSED_V6, "INPUT -p udp -m frag --fraglast -j ACCEPT"), FOR_THIS_HOST, "udp "),
]  # fmt: skip
"""A check, a ruleset, the line that it finds, and how the witness begins."""


@pytest.mark.parametrize(("slug", "ruleset", "rule", "witness"), CASES)
def test_speaks(slug: str, ruleset: str, rule: str, witness: str) -> None:
    (finding,) = found(slug, ruleset)
    assert rules_named(finding)[0] == rule
    assert finding.witness.startswith(witness)


SILENT: list[tuple[str, str]] = [
    ("invalid-drop-hits-replies", text((INVALID_IN, KNOWN, BOTH, INVALID_OUT))),
    ("invalid-drop-hits-replies", text((INVALID_IN, KNOWN, BOTH), (REQUESTS,))),  # the answers leave by OUTPUT
    ("invalid-drop-hits-replies", text((KNOWN, BOTH), (REQUESTS,))),
    ("invalid-drop-hits-replies", text((KNOWN, INVALID_OUT), (REQUESTS,))),  # no connection begins
    ("invalid-drop-hits-replies", text((*PROXIED, INVALID_OUT), (SYN_ONLY,))),
    ("invalid-drop-hits-replies", text((KNOWN, BOTH.replace("tcp", "udp"), INVALID_OUT), (
        REQUESTS.replace("tcp", "udp"),))),
    ("reject-reset-is-invalid", text((KNOWN, REFUSED))),
    ("reject-reset-is-invalid", text((KNOWN, REFUSED, UNTRACKED_OUT.replace("UNTR", "INVALID,UNTR"), INVALID_OUT))),
    ("reject-reset-is-invalid", text((KNOWN, BOTH, "INPUT -p tcp -j REJECT --reject-with tcp-reset", INVALID_OUT))),
    ("reject-reset-is-invalid", text((KNOWN, REFUSED.replace("tcp-reset", "icmp-port-unreachable"), INVALID_OUT))),
    ("reject-reset-is-invalid", text((KNOWN, REFUSED, ":OUTPUT DROP [0:0]"))),  # it is lost if it is tracked, too
    ("notrack-on-synproxy", text(PROXIED, (SYN_ONLY,))),
    ("notrack-on-synproxy", text((*PROXIED, BOTH.replace("80", "81")), (
        SYN_ONLY, *(rule.replace("80", "81") for rule in SERVER)))),
    ("notrack-on-synproxy", text((*PROXIED, SYN_ACK_OUT, INVALID_OUT), (SYN_ONLY,))),
    ("notrack-on-synproxy", text((*PROXIED, ":OUTPUT DROP [0:0]"), (SYN_ONLY,))),  # nothing gets out there
    ("notrack-on-synproxy", text(("INPUT -s 192.0.2.0/24 -j ACCEPT", *PROXIED), (SYN_ONLY,))),
    ("notrack-on-helper-port", text((KNOWN, FTP_ACCEPTED), (GIVEN,))),
    ("notrack-on-helper-port", text((KNOWN, BOTH, FTP_ACCEPTED), (*SERVER, GIVEN))),
    ("notrack-on-helper-port", text((KNOWN, FTP_ACCEPTED), FTP)),  # nothing gives it
    ("notrack-on-helper-port", text((KNOWN, FTP_ACCEPTED), (GIVEN, *FTP))),  # notrack-after-ct says so
    ("notrack-on-helper-port", text((KNOWN, FTP_ACCEPTED, "INPUT -s 192.0.2.0/24 -j ACCEPT"), (
        *FTP_FROM_FRIENDS, GIVEN))),
    ("notrack-on-helper-port", text((":INPUT ACCEPT [0:0]", KNOWN), (*FTP, GIVEN))),
    ("notrack-on-helper-port", text((KNOWN, BOTH, FTP_ACCEPTED, BY_HELPER))),
    ("hot-port-in-ephemeral-range", text((KNOWN, BOTH))),
    ("hot-port-in-ephemeral-range", text((KNOWN,), RAW_CLIENT)),
    ("hot-port-in-ephemeral-range", text((KNOWN, HIGH_FOR_FRIENDS, *CLOSED_OUTPUT), HIGH)),  # none begins here
    ("hot-port-in-ephemeral-range", text((KNOWN,), HIGH)),  # nor is anything served
    ("hot-port-in-ephemeral-range", text((*ROUTER, FORWARDED, TO_WEB.replace("80", "40000"), FROM_WEB), tuple(
        rule.replace("80", "40000") for rule in (RAW_TO_WEB, RAW_FROM_WEB)))),
    ("fragments-unreassembled", stateless(":FORWARD ACCEPT [0:0]", DATAGRAMS)),
    ("fragments-unreassembled", stateless(":FORWARD DROP [0:0]", "FORWARD -f -j ACCEPT", DATAGRAMS)),
    ("fragments-unreassembled", stateless(":FORWARD DROP [0:0]", "FORWARD -s 192.0.2.7 -p udp -j ACCEPT")),
    ("fragments-unreassembled", stateless(":FORWARD DROP [0:0]", DATAGRAMS.replace("udp", "tcp"))),
    ("fragments-unreassembled", stateless(":FORWARD DROP [0:0]", DATAGRAMS.replace("53", "123"))),
    ("fragments-unreassembled", stateless(":FORWARD DROP [0:0]", DATAGRAMS, "OUTPUT -m conntrack --ctstate NEW")),
    ("fragments-unreassembled", stateless(":FORWARD DROP [0:0]", DATAGRAMS, beside=DUMMY)),
    ("fragments-unreassembled", stateless(":FORWARD DROP [0:0]", DATAGRAMS, beside=table(
        "mangle", "PREROUTING -p tcp -d 192.0.2.9 -j TPROXY --on-port 1"))),
    ("fragments-unreassembled", stateless(":INPUT DROP [0:0]", DATAGRAMS.replace("FORWARD", "INPUT"))),
    ("fragments-unreassembled", stateless(*CLOSED_V6, "INPUT -p udp -m frag --fragid 0:4294967295 -j ACCEPT")),
]  # fmt: skip
"""A check, and a ruleset of which it has nothing to say."""


@pytest.mark.parametrize(("slug", "ruleset"), SILENT)
def test_is_silent(slug: str, ruleset: str) -> None:
    assert found(slug, ruleset) == []


@pytest.mark.parametrize(("slug", "ruleset"), [case[:2] for case in CASES if case[0] != "fragments-unreassembled"])
def test_is_silent_where_nothing_is_left_untracked(slug: str, ruleset: str) -> None:
    assert found(slug, without_notrack(ruleset)) == []


def test_every_check_of_the_group_is_tried() -> None:
    group = {check.slug for check in CHECKS if check.group == "notrack"}
    assert {slug for slug, *_ in (*others.CASES, *CASES)} == {slug for slug, _ in (*others.SILENT, *SILENT)} == group


# ── one fault, one finding ──


@pytest.mark.parametrize(
    ("slug", "ruleset"),
    [(slug, ruleset) for slug, ruleset, *_ in CASES if slug in ("invalid-drop-hits-replies", "notrack-on-synproxy")],
)
def test_nothing_else_is_said_of_it(slug: str, ruleset: str) -> None:
    findings = api.lint(api.parse(ruleset, family="ipv4"), api.checks(["notrack"], ["icmp-errors-lost"])).findings
    assert [finding.slug for finding in findings if finding.severity is Severity.ERROR] == [slug]


def test_syns_for_synproxy_need_not_be_accepted() -> None:
    assert found("untracked-not-accepted", text(PROXIED, (SYN_ONLY,))) == []


# ── what is said ──


def test_a_dropped_direction_comes_with_the_rule_that_is_missing() -> None:
    (finding,) = found("invalid-drop-hits-replies", text((KNOWN, BOTH, INVALID_OUT), (REQUESTS,)))
    assert rules_named(finding) == [INVALID_OUT, REQUESTS]
    missing = ANSWERS.replace("-j", "-m addrtype --src-type LOCAL -j")
    assert finding.hint.endswith(f": -A {missing}")
    assert found("invalid-drop-hits-replies", text((KNOWN, BOTH, INVALID_OUT), (REQUESTS, missing))) == []


def test_a_syn_alone_has_no_other_direction() -> None:
    (finding,) = found("invalid-drop-hits-replies", text((KNOWN, BOTH, INVALID_OUT), (SYN_ONLY,)))
    assert "SYNPROXY" in finding.hint


@pytest.mark.parametrize(
    ("output", "named", "said"),
    [
        ((INVALID_OUT,), [INVALID_OUT], "is dropped in OUTPUT"),
        ((*CLOSED_OUTPUT, UNTRACKED_OUT), [], "nothing in OUTPUT accepts it"),
    ],
)
def test_says_what_becomes_of_the_reset(output: tuple[str, ...], named: list[str], said: str) -> None:
    (finding,) = found("reject-reset-is-invalid", text((KNOWN, REFUSED, *output)))
    assert rules_named(finding)[1:] == named
    assert finding.message.endswith(said)


@pytest.mark.parametrize(
    ("rules", "named"),
    [
        ((BOTH, *PROXIED), [PROXY, BOTH]),
        ((*PROXIED, INVALID_OUT), [PROXY, INVALID_OUT]),
        ((*PROXIED, *CLOSED_OUTPUT), [PROXY]),
    ],
)
def test_names_what_stands_in_the_way_of_synproxy(rules: tuple[str, ...], named: list[str]) -> None:
    (finding,) = found("notrack-on-synproxy", text(rules, (SYN_ONLY,)))
    assert rules_named(finding) == named


@pytest.mark.parametrize("rule", [REQUESTS, "PREROUTING -p tcp -m multiport --dports 80 -j NOTRACK"])
def test_fix_leaves_only_the_syn_untracked(rule: str) -> None:
    bad = text(PROXIED, (rule,))
    (finding,) = found("notrack-on-synproxy", bad)
    assert finding.fix is not None
    assert finding.fix.safety is Safety.UNSAFE
    assert applied(bad, finding.fix) == bad.replace(rule, rule.replace(" -j", " --syn -j"))
    assert found("notrack-on-synproxy", applied(bad, finding.fix)) == []


@pytest.mark.parametrize("rule", ["PREROUTING -j NOTRACK", "PREROUTING -p tcp --tcp-flags RST NONE -j NOTRACK"])
def test_what_has_no_syn_to_ask_for_is_not_fixed(rule: str) -> None:
    (finding,) = found("notrack-on-synproxy", text(PROXIED, (rule,)))
    assert finding.fix is None


def test_is_sure_of_a_helper_that_a_rule_gives() -> None:
    (finding,) = found("notrack-on-helper-port", text((KNOWN, FTP_ACCEPTED), (*FTP, GIVEN)))
    assert (finding.severity, finding.confidence) == (Severity.ERROR, Confidence.PROVED)
    assert rules_named(finding) == [FTP[0], GIVEN]


def test_is_less_sure_of_one_that_a_rule_asks_for() -> None:
    (finding,) = found("notrack-on-helper-port", text((KNOWN_ONLY, FTP_ACCEPTED, BY_HELPER), FTP))
    assert (finding.severity, finding.confidence) == (Severity.WARNING, Confidence.LIKELY)
    assert rules_named(finding) == [FTP[0], BY_HELPER]


@pytest.mark.parametrize(("rule", "severity"), [(HIGH_FOR_FRIENDS, Severity.WARNING), (HIGH_ACCEPTED, Severity.NOTE)])
def test_says_whether_own_connections_are_lost(rule: str, severity: Severity) -> None:
    (finding,) = found("hot-port-in-ephemeral-range", text((KNOWN, rule), HIGH))
    assert finding.severity is severity


def test_names_each_rule_for_ports_once_each_way() -> None:
    rules = (":FORWARD DROP [0:0]", DATAGRAMS, DATAGRAMS.replace("--dport", "--sport"))
    (finding,) = found("fragments-unreassembled", stateless(*rules))
    assert rules_named(finding) == [*rules[1:]]


# ── files beside ──


def beside(slug: str, ruleset: str, *files: tuple[str, str], kernel: str = "6.x") -> list[Severity]:
    configs = [api.read_config(name, content) for name, content in files]
    report = api.lint(api.parse(ruleset, family="ipv4"), api.checks([slug]), kernel=kernel, configs=configs)
    return [finding.severity for finding in report.findings]


LISTED = ("iptables-config", 'IPTABLES_MODULES="nf_conntrack_ftp"\n')
ASKED = ("sysctl.d/x.conf", "net.netfilter.nf_conntrack_helper = 1\n")


@pytest.mark.parametrize(
    ("files", "kernel", "speaks"),
    [
        ((LISTED, ASKED), "5.x", True),
        ((LISTED,), "el7", True),
        ((LISTED,), "5.x", False),
        ((ASKED,), "5.x", False),
        ((LISTED, ASKED), "6.x", False),  # no connection gets a helper by its port any more
        (((LISTED[0], LISTED[1].replace("ftp", "irc")), ASKED), "5.x", False),
    ],
)
def test_helpers_of_modules_that_are_loaded(files: tuple[tuple[str, str], ...], kernel: str, speaks: bool) -> None:
    expected = [Severity.WARNING] if speaks else []
    assert beside("notrack-on-helper-port", text((KNOWN, FTP_ACCEPTED), FTP), *files, kernel=kernel) == expected


PORTS = [
    ("", ((32768, 60999),)),
    ("net.ipv4.ip_local_port_range = 1024\t65535", ((1024, 65535),)),
    ("net/ipv4/ip_local_port_range = 20000 30000\nnet.ipv4.ip_local_port_range = 50000 60000", ((50000, 60000),)),
    ("net.ipv4.ip_local_reserved_ports = 80,40000", ((32768, 39999), (40001, 60999))),
    ("net.ipv4.ip_local_reserved_ports = 32000-40000,60999", ((40001, 60998),)),
    ("net.ipv4.ip_local_reserved_ports = 1-65535", ()),
    ("net.ipv4.ip_local_port_range = many", ((32768, 60999),)),
]


@pytest.mark.parametrize(("settings", "ports"), PORTS)
def test_ports_of_own_connections(settings: str, ports: tuple[tuple[int, int], ...]) -> None:
    config = api.read_config("sysctl.d/x.conf", settings)
    host = HostFacts(CURRENT, (config,), (Facts(api.parse("")),))
    assert local_ports(host) == ports


@pytest.mark.parametrize(("settings", "ports"), PORTS)
def test_a_port_that_no_own_connection_gets_is_not_spoken_of(settings: str, ports: tuple[tuple[int, int], ...]) -> None:
    said = beside("hot-port-in-ephemeral-range", text((KNOWN, HIGH_FOR_FRIENDS), HIGH), ("sysctl.d/x.conf", settings))
    assert bool(said) is any(first <= 40000 <= last for first, last in ports)


def test_fragments_are_put_together_where_a_module_has_packets_tracked() -> None:
    enabled = ("modprobe.d/x.conf", "options nf_conntrack enable_hooks=1\n")
    loaded = ("modules-load.d/x.conf", "nf_conntrack\n")
    ruleset = stateless(":FORWARD DROP [0:0]", DATAGRAMS)
    assert beside("fragments-unreassembled", ruleset, enabled, loaded) == []
    assert beside("fragments-unreassembled", ruleset, loaded) == [Severity.ERROR]
