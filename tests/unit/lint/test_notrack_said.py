"""What the checks of the group notrack say of a fault, and how they would mend it."""

from __future__ import annotations

import pytest

from rulec import api
from rulec.analysis.meaning import walked
from rulec.analysis.untracked import Untracking
from rulec.diagnostics import Finding, Safety, Severity
from rulec.packetset.packet import as_set, read_packet
from rulec.semantics.paths import PATHS
from rulec.semantics.ruleset import Prepared
from tests.unit.lint.linting import applied, found, rules_named
from tests.unit.lint.notrack import (
    ANSWERS,
    BOTH,
    FORWARDED,
    FROM_WEB,
    KNOWN,
    NEW,
    RAW_FROM_WEB,
    RAW_TO_WEB,
    REQUESTS,
    ROUTER,
    SERVER,
    TO_WEB,
    named,
    table,
    text,
)
from tests.unit.lint.test_fixes import accepts_alike
from tests.unit.lint.test_notrack import CASES


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
    ],
)
def test_says_whether_half_tracked_connections_fail(rules: tuple[str, ...], said: str) -> None:
    (finding,) = found("notrack-leg-missing", text((KNOWN, *rules), (REQUESTS,)))
    assert finding.message.endswith(said)
    assert finding.severity is Severity.ERROR


def test_udp_need_not_be_answered() -> None:
    queries = text((":INPUT ACCEPT [0:0]",), ("PREROUTING -p udp --dport 53 -j CT --notrack",))
    (finding,) = found("notrack-leg-missing", queries)
    assert finding.severity is Severity.WARNING


@pytest.mark.parametrize("rule", ["PREROUTING -p udp --dport 514", "OUTPUT -p udp -m multiport --dports 162,6343"])
def test_what_is_never_answered_has_one_direction_only(rule: str) -> None:
    assert found("notrack-leg-missing", text((":INPUT ACCEPT [0:0]",), (f"{rule} -j CT --notrack",))) == []


def test_errors_about_either_direction_of_forwarded_connections_are_lost() -> None:
    findings = found("icmp-errors-lost", text((*ROUTER, FORWARDED, TO_WEB, FROM_WEB), (RAW_TO_WEB, RAW_FROM_WEB)))
    assert [named(finding) for finding in findings] == [RAW_TO_WEB, RAW_FROM_WEB]


@pytest.mark.parametrize(
    ("rules", "said"), [(("INPUT -i lo -j ACCEPT",), "leaves an entry"), ((), "refuses"), ((KNOWN,), "refuses")]
)
def test_says_whether_local_connections_fail(rules: tuple[str, ...], said: str) -> None:
    raw = (REQUESTS, ANSWERS.replace("! -o lo ", ""))
    (finding,) = found("notrack-loopback-half", text((*rules, BOTH), raw))
    assert said in finding.message
    assert finding.severity is Severity.ERROR


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


OLD = [
    ("deprecated-state-match", text((KNOWN, NEW, NEW.replace("80", "443")))),
    ("deprecated-notrack-target", text((KNOWN, BOTH), ("OUTPUT -d 192.0.2.7 -j NOTRACK", "PREROUTING -j NOTRACK"))),
]


@pytest.mark.parametrize(("slug", "ruleset"), OLD)
def test_old_words_are_told_of_once_and_rewritten_everywhere(slug: str, ruleset: str) -> None:
    (finding,) = found(slug, ruleset)
    assert finding.message.endswith(" (2 rules)")
    assert finding.fix is not None
    good = applied(ruleset, finding.fix)
    assert found(slug, good) == []
    assert accepts_alike(ruleset, good)


def test_names_the_first_of_the_text_where_chains_stand_otherwise() -> None:
    (finding,) = found("deprecated-state-match", text((":b - [0:0]", ":a - [0:0]", "a -m state --state NEW", NEW)))
    assert named(finding) == "a -m state --state NEW"


def test_what_a_comment_may_say_is_not_rewritten() -> None:
    commented = NEW.replace("-j", '-m comment --comment "-m state --state" -j')
    (finding,) = found("deprecated-state-match", text((NEW, commented)))
    assert finding.fix is not None
    assert len(finding.fix.edits) == 1


@pytest.mark.parametrize(
    ("port", "target", "said"), [(80, 8080, "not rewritten by NAT"), (8081, 80, "not translated back by NAT")]
)
def test_says_which_way_nat_is_missing(port: int, target: int, said: str) -> None:
    nat = table("nat", f"PREROUTING -p tcp --dport {port} -j REDIRECT --to-ports {target}")
    (finding,) = found("notrack-on-nat-port", text((KNOWN, BOTH), SERVER, nat))
    assert said in finding.message
    assert rules_named(finding)[1].startswith("PREROUTING -p tcp")
