"""The checks of the group notrack: what goes wrong where packets are left untracked, and what does not."""

from __future__ import annotations

import pytest

from tests.unit.lint.linting import found
from tests.unit.lint.notrack import (
    ANSWERS,
    ASKS,
    BOTH,
    ERRORS,
    FORWARDED,
    FROM_WEB,
    KNOWN,
    LIMITED,
    NEW,
    OPEN_OUTPUT,
    RAW_CLIENT,
    RAW_FROM_WEB,
    RAW_TO_WEB,
    REQUESTS,
    RESOLVER,
    ROUTER,
    SERVER,
    TO_WEB,
    named,
    table,
    text,
    without_notrack,
)

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
    ("notrack-on-nat-port", text((KNOWN, BOTH), SERVER, table(
        "nat", "PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8080")), REQUESTS, "tcp 198.51.100.7:40000 > "),
    ("notrack-on-nat-port", text((*ROUTER, "FORWARD -i lan -j ACCEPT"), (
        "PREROUTING -p tcp --dport 80 -j CT --notrack", "OUTPUT -p tcp --sport 80 -j CT --notrack"), table(
        "nat", "POSTROUTING -o wan -j MASQUERADE")), "PREROUTING -p tcp --dport 80 -j CT --notrack", "tcp "),
    ("notrack-on-nat-port", text((*ROUTER, "FORWARD -i lan -j ACCEPT"), (RAW_CLIENT[0],), table(
        "nat", "POSTROUTING -o wan -j MASQUERADE")), RAW_CLIENT[0], "udp "),
    ("notrack-on-nat-port", text((KNOWN, BOTH), SERVER, table(
        "nat", "PREROUTING -p tcp --dport 8081 -j REDIRECT --to-ports 80")), ANSWERS,
     "tcp 198.51.100.7:40000 > 192.0.2.1:8081 syn"),
    ("notrack-on-nat-port", text((KNOWN, BOTH), SERVER, table(
        "nat", ":moved - [0:0]", "PREROUTING -m addrtype --dst-type LOCAL -j moved",
        "moved -p tcp --dport 8081 -j REDIRECT --to-ports 80")), ANSWERS, "tcp 198.51.100.7:40000 > 192.0.2.1:8081"),
    ("notrack-on-nat-port", text((KNOWN, BOTH), SERVER, table(
        "nat", ":hot - [0:0]", "PREROUTING -p tcp --dport 80 -j hot", "hot -j MARK --set-mark 1",
        "hot -p tcp -j REDIRECT --to-ports 8080")), REQUESTS, "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn"),
    ("notrack-on-nat-port", text((*ROUTER, FORWARDED, TO_WEB, FROM_WEB), (RAW_TO_WEB, RAW_FROM_WEB), table(
        "nat", "PREROUTING -d 198.51.100.1 -p tcp --dport 8080 -j DNAT --to-destination 10.2.0.2:80")), RAW_FROM_WEB,
     "tcp 198.51.100.7:40000 > 198.51.100.1:8080"),
    ("notrack-on-nat-port", text((KNOWN,), RAW_CLIENT, table(
        "nat", "OUTPUT -p udp --dport 5353 -j DNAT --to-destination 192.0.2.53:53")), RAW_CLIENT[0],
     "udp 198.51.100.7:40000 > 192.0.2.1:5353"),
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
    ("notrack-on-nat-port", text((KNOWN, BOTH), SERVER, table("nat", "PREROUTING -p tcp --dport 8 -j REDIRECT"))),
    ("notrack-on-nat-port", text((*ROUTER, "FORWARD -i lan -j ACCEPT"), SERVER, table(
        "nat", "POSTROUTING -o wan -j MASQUERADE"))),
    ("notrack-on-nat-port", text((KNOWN, BOTH), SERVER, table("nat", "PREROUTING -p tcp --dport 80 -j ACCEPT"))),
    ("notrack-on-nat-port", text((KNOWN, BOTH), SERVER, table(
        "nat", "PREROUTING -p tcp --dport 8081 -j REDIRECT --to-ports 8080"))),
    ("notrack-on-nat-port", text((KNOWN, f"INPUT -s 192.0.2.7 {BOTH[6:]}"), SERVER, table(
        "nat", "PREROUTING -s 10.0.0.0/8 -p tcp --dport 8081 -j REDIRECT --to-ports 80"))),
    ("notrack-on-nat-port", text((*ROUTER, FORWARDED, TO_WEB, FROM_WEB), (RAW_TO_WEB, RAW_FROM_WEB), table(
        "nat", "PREROUTING -d 198.51.100.1 -p tcp --dport 8080 -j DNAT --to-destination 10.2.0.3:80"))),
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


@pytest.mark.parametrize(("slug", "ruleset"), [case[:2] for case in CASES if case[0] not in ALWAYS])
def test_is_silent_where_nothing_is_left_untracked(slug: str, ruleset: str) -> None:
    assert found(slug, without_notrack(ruleset)) == []
