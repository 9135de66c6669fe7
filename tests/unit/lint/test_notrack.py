"""The checks of the group notrack: what goes wrong where packets are left untracked, and what does not."""

from __future__ import annotations

import pytest

from rulec import api
from rulec.analysis.meaning import walked
from rulec.analysis.untracked import Untracking
from rulec.diagnostics import Finding, Safety, Severity
from rulec.lint.checks import CHECKS
from rulec.packetset.packet import as_set, read_packet
from rulec.semantics.paths import PATHS
from rulec.semantics.ruleset import Prepared
from tests.unit.lint.linting import applied, found, rules_named
from tests.unit.lint.test_fixes import accepts_alike

GROUP = [check.slug for check in CHECKS if check.group == "notrack"]

NEW = "INPUT -p tcp --dport 80 -m state --state NEW -j ACCEPT"
BOTH = "INPUT -p tcp --dport 80 -m conntrack --ctstate NEW,UNTRACKED -j ACCEPT"
KNOWN = "INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"
ERRORS = "INPUT -p icmp --icmp-type fragmentation-needed -j ACCEPT"
REQUESTS = "PREROUTING ! -i lo -p tcp --dport 80 -m addrtype --dst-type LOCAL -j CT --notrack"
ANSWERS = "OUTPUT ! -o lo -p tcp --sport 80 -j CT --notrack"
SERVER = (REQUESTS, ANSWERS)
LIMITED = "-m hashlimit --hashlimit-upto 5/min --hashlimit-mode srcip --hashlimit-name a"
ROUTER = (":INPUT DROP [0:0]", ":FORWARD DROP [0:0]")
TO_WEB = "FORWARD -d 10.2.0.2 -p tcp --dport 80 -m conntrack --ctstate NEW,UNTRACKED -j ACCEPT"
FROM_WEB = "FORWARD -s 10.2.0.2 -p tcp --sport 80 ! --tcp-flags SYN,ACK SYN -m conntrack --ctstate UNTRACKED -j ACCEPT"
FORWARDED = "FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"
RAW_TO_WEB = "PREROUTING -d 10.2.0.2 -p tcp --dport 80 -j CT --notrack"
RAW_FROM_WEB = "PREROUTING -s 10.2.0.2 -p tcp --sport 80 -m addrtype ! --dst-type LOCAL -j CT --notrack"


def table(name: str, *lines: str) -> str:
    """A table of some lines; those without a dash in front are rules."""
    written = (line if line[0] in ":-[" else f"-A {line}" for line in lines)
    return "\n".join([f"*{name}", *written, "COMMIT", ""])


def text(rules: tuple[str, ...], raw: tuple[str, ...] = SERVER, others: str = "") -> str:
    """A ruleset whose INPUT drops what no rule accepts."""
    policy = () if any(rule.startswith(":INPUT") for rule in rules) else (":INPUT DROP [0:0]",)
    return table("filter", *policy, *rules) + others + table("raw", *raw)


RESOLVER = (":INPUT DROP [0:0]", ":OUTPUT DROP [0:0]")
ASKS = "OUTPUT -p udp --dport 53 -m conntrack --ctstate NEW,UNTRACKED -j ACCEPT"
RAW_CLIENT = (
    "PREROUTING ! -i lo -p udp --sport 53 --dport 32768:60999 -j CT --notrack",
    "OUTPUT ! -o lo -p udp --dport 53 -j CT --notrack",
)
OPEN_OUTPUT = "OUTPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"

CASES: list[tuple[str, str, str, str]] = [
    # untracked, and not accepted
    ("untracked-not-accepted", text((KNOWN, NEW)), REQUESTS, "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn"),
    ("untracked-not-accepted", text((KNOWN, f"INPUT -s 192.0.2.0/24 {NEW[6:]}")), REQUESTS, "tcp 192.0.2."),
    ("untracked-not-accepted", text((KNOWN, ":web - [0:0]", "INPUT -m state --state NEW -j web",
                                     "web -p tcp --dport 80 -j ACCEPT")), REQUESTS, "tcp "),
    ("untracked-not-accepted", text((KNOWN, "INPUT -m conntrack --ctorigdstport 80 -j ACCEPT")), REQUESTS, "tcp "),
    ("untracked-not-accepted", text((KNOWN, BOTH.replace("tcp", "tcp --syn"))), REQUESTS, "tcp "),
    ("untracked-not-accepted", text((KNOWN, BOTH, ":OUTPUT DROP [0:0]", OPEN_OUTPUT)), ANSWERS, "tcp 198.51.100.7:80"),
    ("untracked-not-accepted", text((*RESOLVER, KNOWN, ASKS), RAW_CLIENT), RAW_CLIENT[0], "udp 198.51.100.7:53 > "),
    ("untracked-not-accepted", text((*ROUTER, FORWARDED, TO_WEB), (RAW_TO_WEB, RAW_FROM_WEB)), RAW_FROM_WEB,
     "tcp 10.2.0.2:80 > "),
    ("untracked-not-accepted", text((*ROUTER, FORWARDED, TO_WEB.replace(",UNTRACKED", ""), FROM_WEB),
                                    (RAW_TO_WEB, RAW_FROM_WEB)), RAW_TO_WEB, "tcp 198.51.100.7:40000 > 10.2.0.2:80"),
    # accepted wholesale
    ("untracked-accepted-wholesale", text((KNOWN.replace("RELATED", "RELATED,UNTRACKED"),)),
     KNOWN.replace("RELATED", "RELATED,UNTRACKED"), "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn"),
    ("untracked-accepted-wholesale", text(("INPUT -i eth0 -m state --state UNTRACKED -j ACCEPT",)),
     "INPUT -i eth0 -m state --state UNTRACKED -j ACCEPT", "tcp "),
    ("untracked-accepted-wholesale",
     text(("INPUT -m state --state ESTABLISHED,UNTRACKED -j ACCEPT", KNOWN), RAW_CLIENT),
     "INPUT -m state --state ESTABLISHED,UNTRACKED -j ACCEPT", "udp 198.51.100.7:53 > 192.0.2.1:"),
    ("untracked-accepted-wholesale", table("filter", ":INPUT DROP [0:0]", "INPUT -s 2001:db8::/64 -j ACCEPT",
                                           "INPUT -m state --state ESTABLISHED,UNTRACKED -j ACCEPT"),
     "INPUT -m state --state ESTABLISHED,UNTRACKED -j ACCEPT", "icmpv6 2001:db8:0:1::7 > 2001:db8::1 "),
    # answers
    ("untracked-answers-open-ports", text((KNOWN, BOTH, ":OUTPUT DROP [0:0]", "OUTPUT -p tcp --sport 80 -j ACCEPT")),
     "OUTPUT -p tcp --sport 80 -j ACCEPT", "tcp 198.51.100.7:80 > 192.0.2.1:"),
    ("untracked-answers-open-ports", text((KNOWN, "INPUT -p udp --sport 53 -j ACCEPT"), (
        "PREROUTING -p udp --sport 53 -j NOTRACK", RAW_CLIENT[1])), "INPUT -p udp --sport 53 -j ACCEPT",
     "udp 198.51.100.7:53 > 192.0.2.1:"),
    ("untracked-answers-open-ports", text((*ROUTER, FORWARDED, TO_WEB, "FORWARD -p tcp --sport 80 ! --syn -j ACCEPT",
                                           "FORWARD -s 10.2.0.2 -p tcp --sport 80 -j ACCEPT"),
                                          (RAW_TO_WEB, RAW_FROM_WEB)),
     "FORWARD -s 10.2.0.2 -p tcp --sport 80 -j ACCEPT", "tcp 10.2.0.2:80 > "),
    # one direction only
    ("notrack-leg-missing", text((KNOWN, BOTH), (REQUESTS,)), REQUESTS, "tcp 198.51.100.7:40000 > 192.0.2.1:80"),
    ("notrack-leg-missing", text((KNOWN, NEW), (ANSWERS,)), ANSWERS, "tcp 198.51.100.7:80 > "),
    ("notrack-leg-missing",
     text((KNOWN, BOTH), (REQUESTS, ANSWERS.replace("! -o lo", "-s 192.0.2.1"))), REQUESTS, "tcp "),
    ("notrack-leg-missing", text((KNOWN, BOTH), (REQUESTS, ANSWERS.replace("80", "8080"))), REQUESTS, "tcp "),
    ("notrack-leg-missing", text((KNOWN,), (RAW_CLIENT[1],)), RAW_CLIENT[1], "udp 198.51.100.7:40000 > 192.0.2.1:53"),
    ("notrack-leg-missing", text((KNOWN,), (RAW_CLIENT[0],)), RAW_CLIENT[0], "udp "),
    ("notrack-leg-missing", text((*ROUTER, FORWARDED, TO_WEB), (RAW_TO_WEB,)), RAW_TO_WEB, "tcp "),
    ("notrack-leg-missing", text((*ROUTER, FORWARDED, TO_WEB), (RAW_TO_WEB, ANSWERS)), RAW_TO_WEB, "tcp "),
    # NAT
    ("notrack-skips-nat", text((KNOWN, BOTH), SERVER, table(
        "nat", "PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8080")), REQUESTS, "tcp 198.51.100.7:40000 > "),
    ("notrack-skips-nat", text((*ROUTER, "FORWARD -i lan -j ACCEPT"), (
        "PREROUTING -p tcp --dport 80 -j CT --notrack", "OUTPUT -p tcp --sport 80 -j CT --notrack"), table(
        "nat", "POSTROUTING -o wan -j MASQUERADE")), "PREROUTING -p tcp --dport 80 -j CT --notrack", "tcp "),
    ("notrack-skips-nat", text((*ROUTER, "FORWARD -i lan -j ACCEPT"), (RAW_CLIENT[0],), table(
        "nat", "POSTROUTING -o wan -j MASQUERADE")), RAW_CLIENT[0], "udp "),
    # ICMP
    ("icmp-errors-lost", text((KNOWN, BOTH)), ANSWERS, "icmp 198.51.100.7 > 192.0.2.1 fragmentation-needed"),
    ("icmp-errors-lost", text(("INPUT -m state --state INVALID -j DROP", ERRORS, KNOWN, BOTH)), ANSWERS, "icmp "),
    ("notrack-icmp", text((KNOWN,), ("PREROUTING -p icmp -j NOTRACK",)), "PREROUTING -p icmp -j NOTRACK", "icmp "),
    # states and connections
    ("negated-state-matches-untracked", text(("INPUT -m state ! --state NEW,ESTABLISHED -j DROP", BOTH)),
     "INPUT -m state ! --state NEW,ESTABLISHED -j DROP", "tcp 198.51.100.7:40000 > 192.0.2.1:80"),
    ("negated-state-matches-untracked", text(("INPUT -m conntrack ! --ctstate NEW,INVALID -j ACCEPT",)),
     "INPUT -m conntrack ! --ctstate NEW,INVALID -j ACCEPT", "tcp "),
    ("untracked-with-tuple-options", text(("INPUT -m conntrack --ctstate UNTRACKED --ctorigsrc 192.0.2.7 -j ACCEPT",)),
     "INPUT -m conntrack --ctstate UNTRACKED --ctorigsrc 192.0.2.7 -j ACCEPT", "tcp "),
    ("untracked-with-tuple-options", text(("INPUT -m conntrack ! --ctstate NEW --ctproto udp -j ACCEPT",)),
     "INPUT -m conntrack ! --ctstate NEW --ctproto udp -j ACCEPT", "tcp "),
    ("connmark-on-untracked", text((BOTH,), SERVER, table("mangle", "OUTPUT -j CONNMARK --restore-mark")),
     "OUTPUT -j CONNMARK --restore-mark", "tcp 198.51.100.7:80 > "),
    ("connmark-on-untracked",
     text(("INPUT -m connmark --mark 0 -j ACCEPT",)), "INPUT -m connmark --mark 0 -j ACCEPT", "tcp "),
    ("connlimit-on-untracked", text(("INPUT -p tcp --syn -m connlimit --connlimit-above 9 -j REJECT", BOTH)),
     "INPUT -p tcp --syn -m connlimit --connlimit-above 9 -j REJECT", "tcp "),
    ("rate-limit-counts-packets", text((KNOWN, BOTH.replace("-j", f"{LIMITED} -j"))),
     BOTH.replace("-j", f"{LIMITED} -j"), "tcp 198.51.100.7:40000 > 192.0.2.1:80 ack"),
    ("rate-limit-counts-packets",
     text((KNOWN, "INPUT -p tcp --dport 80 -m recent --update --hitcount 4 -j DROP", BOTH)),
     "INPUT -p tcp --dport 80 -m recent --update --hitcount 4 -j DROP", "tcp "),
    # NOTRACK rules in wrong places
    ("notrack-after-ct", text((KNOWN, BOTH), ("PREROUTING -p tcp -j CT --helper ftp", REQUESTS)), REQUESTS, ""),
    ("notrack-after-ct", text((KNOWN,), (":hot - [0:0]", "PREROUTING -j CT --zone 1", "PREROUTING -j hot",
                                         "hot -p tcp --dport 80 -j NOTRACK")), "hot -p tcp --dport 80 -j NOTRACK", ""),
    ("notrack-unreached", text((KNOWN, BOTH), ("PREROUTING -j ACCEPT", *SERVER)), REQUESTS, ""),
    ("notrack-unreached", text((KNOWN, BOTH), ("PREROUTING -p tcp -j RETURN", *SERVER)), REQUESTS, ""),
    ("notrack-prerouting-lo-is-noop", text((KNOWN,), ("PREROUTING -i lo -p tcp --dport 80 -j NOTRACK",)),
     "PREROUTING -i lo -p tcp --dport 80 -j NOTRACK", ""),
    ("notrack-loopback-half", text((BOTH,), (REQUESTS, ANSWERS.replace("! -o lo ", ""))),
     ANSWERS.replace("! -o lo ", ""), "tcp 127.0.0.1:80 > 127.0.0.1:"),
    ("notrack-wrong-direction", text((BOTH,), ("PREROUTING -s 192.0.2.7 -j NOTRACK", "OUTPUT -s 192.0.2.7 -j NOTRACK")),
     "OUTPUT -s 192.0.2.7 -j NOTRACK", ""),
    ("out-interface-in-prerouting", text((KNOWN,), (":a - [0:0]", "PREROUTING -j a", "a ! -o lo -p gre -j NOTRACK")),
     "a ! -o lo -p gre -j NOTRACK", ""),
    ("state-in-raw",
     table("raw", "PREROUTING -m state --state NEW -j ACCEPT"), "PREROUTING -m state --state NEW -j ACCEPT", ""),
    ("raw-before-filter", table("raw", *SERVER) + table("filter", KNOWN, BOTH), "*raw", ""),
    ("duplicate-notrack", text((KNOWN, BOTH), (*SERVER, ANSWERS.replace("80", "80 --dport 1:9"))),
     ANSWERS.replace("80", "80 --dport 1:9"), ""),
    ("deprecated-notrack-target", text((KNOWN, BOTH), (REQUESTS, "OUTPUT -p tcp --sport 80 -j NOTRACK")),
     "OUTPUT -p tcp --sport 80 -j NOTRACK", ""),
    ("deprecated-state-match", text((KNOWN, NEW)), NEW, ""),
    ("managed-chains", text((KNOWN, BOTH, ":DOCKER - [0:0]")), ":DOCKER - [0:0]", ""),
]  # fmt: skip
"""A check, a ruleset, the line that it finds, and how the witness begins."""


def named(finding: Finding) -> str:
    return rules_named(finding)[0]


@pytest.mark.parametrize(("slug", "ruleset", "rule", "witness"), CASES)
def test_speaks(slug: str, ruleset: str, rule: str, witness: str) -> None:
    (finding,) = found(slug, ruleset)
    assert named(finding) == rule
    assert finding.witness.startswith(witness)
    assert bool(finding.witness) is bool(witness)


SILENT: list[tuple[str, str]] = [
    ("untracked-not-accepted", text((KNOWN, BOTH))),
    ("untracked-not-accepted", text((KNOWN, "INPUT -p tcp --dport 443 -m state --state NEW -j ACCEPT"))),
    ("untracked-not-accepted", text((KNOWN, "INPUT -p tcp --dport 80 -j ACCEPT"))),
    ("untracked-not-accepted", text((":INPUT ACCEPT [0:0]", KNOWN, NEW))),
    ("untracked-not-accepted", text((KNOWN, "INPUT -s 192.0.2.7 " + BOTH[6:]))),
    ("untracked-not-accepted", text((KNOWN, "INPUT -m set --match-set friends src -j ACCEPT", BOTH))),
    ("untracked-not-accepted", text((*RESOLVER, KNOWN, ASKS, "INPUT -p udp --sport 53 -j ACCEPT"), RAW_CLIENT)),
    ("untracked-not-accepted", text((*ROUTER, FORWARDED, TO_WEB, FROM_WEB), (RAW_TO_WEB, RAW_FROM_WEB))),
    ("untracked-not-accepted", text((
        *ROUTER, FORWARDED, TO_WEB.replace(" -d", " -i a -o b -d"), FROM_WEB.replace(" -s ", " -i b -o a -s ")),
        (RAW_TO_WEB, RAW_FROM_WEB))),
    ("untracked-accepted-wholesale", text((KNOWN, BOTH))),
    ("untracked-accepted-wholesale", text((BOTH, "INPUT -m state --state ESTABLISHED,UNTRACKED -j ACCEPT"))),
    ("untracked-accepted-wholesale", text(("INPUT -m state --state UNTRACKED -j ACCEPT",), ())),
    ("untracked-accepted-wholesale", text(("INPUT -m state --state UNTRACKED -j DROP",))),
    ("untracked-accepted-wholesale", table("filter", ":INPUT DROP [0:0]", "INPUT -s 2001:db8::/64 -j ACCEPT",
                                           "INPUT -p ipv6-icmp -j ACCEPT",
                                           "INPUT -m state --state ESTABLISHED,UNTRACKED -j ACCEPT")),
    ("untracked-answers-open-ports", text((KNOWN, BOTH, "OUTPUT -p tcp --sport 80 -j ACCEPT"))),
    ("untracked-answers-open-ports", text((*RESOLVER, BOTH, "OUTPUT -p tcp --sport 80 ! --syn -j ACCEPT"))),
    ("untracked-answers-open-ports", text((*RESOLVER, "INPUT -p udp --sport 53 -j ACCEPT"), RAW_CLIENT)),
    ("untracked-answers-open-ports", text((*ROUTER, TO_WEB, FROM_WEB), (RAW_TO_WEB, RAW_FROM_WEB))),
    ("untracked-answers-open-ports", text((*ROUTER, "FORWARD -s 10.2.0.0/16 -j ACCEPT"), (RAW_TO_WEB, RAW_FROM_WEB))),
    ("notrack-leg-missing", text((KNOWN, BOTH))),
    ("notrack-leg-missing", text((KNOWN, BOTH), ("PREROUTING -j NOTRACK", "OUTPUT -j NOTRACK"))),
    ("notrack-leg-missing", text((KNOWN, NEW), ("PREROUTING -p tcp --syn --dport 80 -j CT --notrack",))),
    ("notrack-leg-missing", text((KNOWN,), RAW_CLIENT)),
    ("notrack-leg-missing", text((*ROUTER, FORWARDED, TO_WEB, BOTH), (RAW_TO_WEB, RAW_FROM_WEB))),
    ("notrack-leg-missing", text((KNOWN, BOTH), (
        "PREROUTING -i eth0 -p tcp --dport 80 -j CT --notrack", "OUTPUT -o eth0 -p tcp --sport 80 -j CT --notrack"))),
    ("notrack-leg-missing", text((KNOWN, "INPUT -m set --match-set hot src -j ACCEPT"), (
        "PREROUTING -m set --match-set hot src -j NOTRACK", "OUTPUT -m set --match-set hot dst -j NOTRACK"))),
    ("notrack-leg-missing", text((KNOWN,), (REQUESTS,))),
    ("notrack-skips-nat", text((KNOWN, BOTH), SERVER, table("nat", "PREROUTING -p tcp --dport 8 -j REDIRECT"))),
    ("notrack-skips-nat", text((*ROUTER, "FORWARD -i lan -j ACCEPT"), SERVER, table(
        "nat", "POSTROUTING -o wan -j MASQUERADE"))),
    ("notrack-skips-nat", text((KNOWN, BOTH), SERVER, table("nat", "PREROUTING -p tcp --dport 80 -j ACCEPT"))),
    ("icmp-errors-lost", text((ERRORS, KNOWN, BOTH))),
    ("icmp-errors-lost", text(("INPUT -m state --state INVALID,RELATED -p icmp -j ACCEPT", KNOWN, BOTH))),
    ("icmp-errors-lost", text((":INPUT ACCEPT [0:0]", BOTH))),
    ("icmp-errors-lost", text((KNOWN, "INPUT -p udp --dport 53 -j ACCEPT"), (
        "PREROUTING -p udp --dport 53 -j NOTRACK", "OUTPUT -p udp --sport 53 -j NOTRACK"))),
    ("notrack-icmp", text((KNOWN,))),
    ("notrack-icmp", text((KNOWN,), ("PREROUTING -j NOTRACK", "OUTPUT -j NOTRACK"))),
    ("notrack-icmp", text((KNOWN,), ("PREROUTING -s 192.0.2.7 -j NOTRACK", "OUTPUT -d 192.0.2.7 -j NOTRACK"))),
    ("notrack-icmp", text((KNOWN,), ("PREROUTING -p icmp --icmp-type 8 -j NOTRACK",))),
    ("negated-state-matches-untracked", text(("INPUT -m state ! --state NEW,ESTABLISHED,UNTRACKED -j DROP", BOTH))),
    ("negated-state-matches-untracked", text((BOTH, "INPUT -m state ! --state NEW -j DROP"))),
    ("negated-state-matches-untracked", text(("INPUT -m state ! --state ESTABLISHED -j DROP", BOTH), ())),
    ("untracked-with-tuple-options", text(("INPUT -m conntrack --ctstate NEW --ctorigdstport 80 -j ACCEPT",))),
    ("untracked-with-tuple-options", text((BOTH, "INPUT -m conntrack --ctstate UNTRACKED --ctproto tcp -j ACCEPT"))),
    ("connmark-on-untracked", text((BOTH,), SERVER, table("mangle", "PREROUTING -p udp -j CONNMARK --set-mark 1"))),
    ("connmark-on-untracked", text((BOTH,), SERVER, table("mangle", "PREROUTING -j MARK --set-mark 1"))),
    ("connlimit-on-untracked",
     text(("INPUT -p tcp --dport 22 --syn -m connlimit --connlimit-above 9 -j REJECT", BOTH))),
    ("rate-limit-counts-packets", text((KNOWN, f"INPUT -p tcp --dport 80 --syn {LIMITED} -j ACCEPT"))),
    ("rate-limit-counts-packets", text((f"INPUT {LIMITED} -j ACCEPT", BOTH))),
    ("rate-limit-counts-packets", text((KNOWN, BOTH.replace("ACCEPT", "LOG").replace("-j", "-m limit -j"), BOTH))),
    ("rate-limit-counts-packets", text((KNOWN, f"INPUT -p tcp --dport 22 {LIMITED} -j ACCEPT", BOTH))),
    ("notrack-after-ct", text((KNOWN, BOTH), (*SERVER, "PREROUTING -j CT --zone 1"))),
    ("notrack-after-ct", text((KNOWN, BOTH), ("PREROUTING -p tcp --dport 80 -s 192.0.2.7 -j CT --zone 1", *SERVER))),
    ("notrack-unreached", text((KNOWN, BOTH), ("PREROUTING -s 192.0.2.7 -j ACCEPT", *SERVER))),
    ("notrack-unreached", text((KNOWN, BOTH), (*SERVER, "PREROUTING -j ACCEPT"))),
    ("notrack-prerouting-lo-is-noop", text((KNOWN,), ("PREROUTING -i lo -j NOTRACK", "OUTPUT -o lo -j NOTRACK"))),
    ("notrack-prerouting-lo-is-noop", text((KNOWN,), ("PREROUTING -j NOTRACK",))),
    ("notrack-loopback-half", text((BOTH,))),
    ("notrack-loopback-half", text((KNOWN,), ("OUTPUT -p tcp --sport 80 -j NOTRACK",))),
    ("notrack-loopback-half",
     text((BOTH,), ("OUTPUT -p tcp --sport 80 -j NOTRACK", "OUTPUT -o lo -p tcp --dport 80 -j NOTRACK"))),
    ("notrack-loopback-half", text((BOTH,), ("OUTPUT -d 192.0.2.7 -p tcp --sport 80 -j NOTRACK",))),
    ("notrack-wrong-direction",
     text((BOTH,), ("PREROUTING -s 192.0.2.7 -j NOTRACK", "OUTPUT -d 192.0.2.7 -j NOTRACK"))),
    ("notrack-wrong-direction",
     text((BOTH,), ("PREROUTING -s 127.0.0.1 -j NOTRACK", "OUTPUT -s 127.0.0.1 -j NOTRACK"))),
    ("out-interface-in-prerouting", text((KNOWN,), (":a - [0:0]", "OUTPUT -j a", "a ! -o lo -p gre -j NOTRACK"))),
    ("state-in-raw", table("raw", "PREROUTING -p tcp -j ACCEPT")),
    ("state-in-raw", table("mangle", "PREROUTING -m state --state INVALID -j DROP")),
    ("raw-before-filter", table("filter", KNOWN, BOTH) + table("raw", *SERVER)),
    ("raw-before-filter", table("raw", *SERVER) + table("filter", "INPUT -p tcp -j ACCEPT")),
    ("raw-before-filter", table("raw", "PREROUTING -j ACCEPT") + table("filter", KNOWN, BOTH)),
    ("duplicate-notrack", text((KNOWN, BOTH))),
    ("duplicate-notrack", text((KNOWN, BOTH), (REQUESTS, "PREROUTING -p tcp -j CT --notrack"))),
    ("deprecated-notrack-target", text((KNOWN, BOTH))),
    ("deprecated-state-match", text((KNOWN, BOTH))),
    ("managed-chains", text((KNOWN, BOTH, ":web - [0:0]"))),
]  # fmt: skip
"""A check, and a ruleset of which it has nothing to say."""


@pytest.mark.parametrize(("slug", "ruleset"), SILENT)
def test_is_silent(slug: str, ruleset: str) -> None:
    assert found(slug, ruleset) == []


ALWAYS = {"state-in-raw", "untracked-accepted-wholesale"}
"""The checks that may speak of rulesets that leave nothing untracked."""


@pytest.mark.parametrize("slug", sorted(set(GROUP) - ALWAYS))
def test_is_silent_where_nothing_is_left_untracked(slug: str) -> None:
    for name, ruleset, _, _ in CASES:
        if name == slug:
            without = "".join(
                line for line in ruleset.splitlines(keepends=True) if "NOTRACK" not in line and "--notrack" not in line
            )
            assert found(slug, without) == []


def test_every_check_is_tried() -> None:
    assert {slug for slug, *_ in CASES} == {slug for slug, _ in SILENT} == set(GROUP)


# ── what is said ──


def test_names_the_rule_that_would_accept() -> None:
    (finding,) = found("untracked-not-accepted", text((KNOWN, NEW)))
    assert rules_named(finding) == [REQUESTS, NEW]


def test_names_each_rule_that_would_accept() -> None:
    restricted = [f"INPUT -s 192.0.2.{end} {NEW[6:]}" for end in (7, 8)]
    findings = found("untracked-not-accepted", text((KNOWN, *restricted)))
    assert [rules_named(finding)[1] for finding in findings] == restricted


MIRRORED = [
    ((REQUESTS,), "-A OUTPUT ! -o lo -p tcp --sport 80 -m addrtype --src-type LOCAL -j CT --notrack"),
    (("PREROUTING -s 192.0.2.0/24 -i eth0 -p tcp -m multiport --dports 80 -j NOTRACK",),
     "-A OUTPUT -d 192.0.2.0/24 -o eth0 -p tcp -m multiport --sports 80 -j NOTRACK"),
    ((ANSWERS,), "-A PREROUTING ! -i lo -p tcp --dport 80 -j CT --notrack"),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "missing"), MIRRORED)
def test_names_the_rule_that_is_missing(raw: tuple[str, ...], missing: str) -> None:
    (finding,) = found("notrack-leg-missing", text((KNOWN, BOTH), raw))
    assert finding.hint == f"the other direction: {missing}"
    assert found("notrack-leg-missing", text((KNOWN, BOTH), (*raw, missing.removeprefix("-A ")))) == []


def test_the_missing_direction_of_forwarded_flows_arrives_too() -> None:
    (finding,) = found(
        "notrack-leg-missing", text((*ROUTER, FORWARDED, TO_WEB), (RAW_TO_WEB.replace("-p", "-i a -p"),))
    )
    assert finding.hint == "the other direction: -A PREROUTING -s 10.2.0.2 -p tcp --sport 80 -j CT --notrack"


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ((BOTH,), "each flow is tracked all the same"),
        ((BOTH, ":OUTPUT DROP [0:0]", "OUTPUT -m state --state NEW,ESTABLISHED -j ACCEPT"), "INVALID, and refused"),
        ((BOTH, "OUTPUT -m state --state INVALID -j DROP"), "INVALID, and refused"),
    ],
)
def test_says_whether_half_tracked_connections_fail(rules: tuple[str, ...], said: str) -> None:
    (finding,) = found("notrack-leg-missing", text((KNOWN, *rules), (REQUESTS,)))
    assert finding.message.endswith(said)
    assert finding.severity is Severity.ERROR


def test_udp_need_not_be_answered() -> None:
    syslog = text((":INPUT ACCEPT [0:0]",), ("PREROUTING -p udp --dport 514 -j CT --notrack",))
    (finding,) = found("notrack-leg-missing", syslog)
    assert finding.severity is Severity.WARNING


def test_errors_about_either_direction_of_forwarded_connections_are_lost() -> None:
    findings = found("icmp-errors-lost", text((*ROUTER, FORWARDED, TO_WEB, FROM_WEB), (RAW_TO_WEB, RAW_FROM_WEB)))
    assert [named(finding) for finding in findings] == [RAW_TO_WEB, RAW_FROM_WEB]


@pytest.mark.parametrize(
    ("rules", "severity"),
    [(("INPUT -i lo -j ACCEPT",), Severity.WARNING), ((), Severity.ERROR), ((KNOWN,), Severity.ERROR)],
)
def test_says_whether_local_connections_fail(rules: tuple[str, ...], severity: Severity) -> None:
    raw = (REQUESTS, ANSWERS.replace("! -o lo ", ""))
    (finding,) = found("notrack-loopback-half", text((*rules, BOTH), raw))
    assert finding.severity is severity


def witnessed(slug: str, finding: Finding) -> bool:
    """Whether the witness is lost for being untracked, or, of a hole, accepted."""
    known = walked(Prepared(api.parse(finding.place.source.text, family="ipv4")))
    asks, packets = Untracking.within(known), as_set(read_packet(finding.witness), known.space)
    if slug == "untracked-not-accepted":
        return any(not asks.lost(path, packets & asks.untracked(path)).is_empty() for path in PATHS)
    return any(not asks.surely_accepted(path, packets).is_empty() for path in PATHS)


SHOWN = ("untracked-not-accepted", "untracked-answers-open-ports")


@pytest.mark.parametrize(("slug", "ruleset"), [(slug, ruleset) for slug, ruleset, *_ in CASES if slug in SHOWN])
def test_witness_shows_it(slug: str, ruleset: str) -> None:
    (finding,) = found(slug, ruleset)
    assert witnessed(slug, finding)


# ── fixes ──


def test_untracked_beside_new_accepts_the_same_flow() -> None:
    """The fix lets in what the rule names, and nothing of what other rules guard."""
    restricted = (KNOWN, f"INPUT -s 192.0.2.0/24 {NEW[6:]}", "INPUT -p tcp --dport 22 -m state --state NEW -j ACCEPT")
    bad = text(restricted)
    (finding,) = found("untracked-not-accepted", bad)
    assert finding.fix is not None
    assert finding.fix.safety is Safety.SAFE
    good = applied(bad, finding.fix)
    assert good == bad.replace("--dport 80 -m state --state NEW", "--dport 80 -m state --state NEW,UNTRACKED")
    assert found("untracked-not-accepted", good) == []
    assert found("untracked-accepted-wholesale", good) == []


@pytest.mark.parametrize(
    "rule",
    [
        "INPUT -m state --state NEW -j ACCEPT",
        "INPUT -i eth0 -p tcp -m state --state NEW -j ACCEPT",
        "INPUT -p tcp --dport 80 --syn -m state --state NEW -j ACCEPT",
        "INPUT -p tcp --dport 80 -m conntrack --ctstate NEW --ctproto tcp -j ACCEPT",
        "INPUT -p tcp --dport 80 -m conntrack ! --ctstate INVALID,ESTABLISHED,UNTRACKED -j ACCEPT",
        "INPUT -p tcp --dport 80 -m mac --mac-source 02:00:00:00:00:01 -m state --state NEW -j ACCEPT",
    ],
)
def test_what_is_not_exact_is_not_fixed(rule: str) -> None:
    findings = found("untracked-not-accepted", text((KNOWN, rule)))
    assert findings
    assert [finding.fix for finding in findings] == [None] * len(findings)


@pytest.mark.parametrize("slug", ["duplicate-notrack", "deprecated-notrack-target", "deprecated-state-match"])
def test_fix_keeps_what_is_accepted(slug: str) -> None:
    for name, bad, _, _ in CASES:
        if name == slug:
            (finding,) = found(slug, bad)
            assert finding.fix is not None
            assert finding.fix.safety is Safety.SAFE
            good = applied(bad, finding.fix)
            assert api.parse(good).valid
            assert found(slug, good) == []
            assert accepts_alike(bad, good)


def test_negated_state_stays_negated() -> None:
    (finding,) = found("deprecated-state-match", text(("INPUT -m state ! --state NEW -j DROP",)))
    assert finding.fix is not None
    assert "INPUT -m conntrack ! --ctstate NEW -j DROP" in applied(finding.place.source.text, finding.fix)
