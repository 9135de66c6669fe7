"""What a safe fix promises: the same packets are accepted on all ways, and the check is silent about the rule."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from rulec import api
from rulec.diagnostics import Finding, Safety
from rulec.lint.check import Check
from rulec.lint.checks import CHECKS
from rulec.packetset.space import Space
from rulec.semantics.place import Memory
from rulec.semantics.ruleset import Prepared, in_space, meaning
from tests.unit.lint.linting import applied, found, text_of


def accepts_alike(*texts: str) -> bool:
    """Whether rulesets accept the same packets on each way: those that they surely do, and those that they may."""
    prepared = tuple(Prepared(api.parse(text)) for text in texts)

    def job(space: Space) -> bool:
        memory = Memory()
        ways = [[way.accepted for way in meaning(one, space, memory).ways] for one in prepared]
        first, *others = [[(way.surely(), way.possibly()) for way in accepted] for accepted in ways]
        return all(other == first for other in others)

    return in_space(prepared, job)


def fixable(text: str) -> list[Finding]:
    """All findings with a fix."""
    report = api.lint(api.parse(text), api.checks(["ruleset", "exposure"]))
    return [finding for finding in report.findings if finding.fix is not None]


FIXED = [
    check
    for check in CHECKS
    if check.group in ("ruleset", "exposure")
    and any(finding.fix for finding in api.lint(api.parse(check.example.bad), [check]).findings)
]


def test_the_checks_that_delete() -> None:
    assert [check.slug for check in FIXED] == [
        "unreachable-rule",
        "shadowed-rule",
        "never-matches",
        "port-match-on-wrong-protocol",
        "dead-after-terminal",
        "duplicate-rule",
        "redundant-rule",
        "empty-chain-jump",
    ]


@pytest.mark.parametrize("check", FIXED, ids=lambda check: check.slug)
def test_fix_silences_the_check_and_keeps_what_is_accepted(check: Check) -> None:
    bad = check.example.bad
    (finding,) = api.lint(api.parse(bad), [check]).findings
    assert finding.fix.safety is Safety.SAFE
    good = applied(bad, finding.fix)
    assert api.lint(api.parse(good), [check]).findings == ()
    assert api.parse(good).valid
    assert accepts_alike(bad, good)


# ── rulesets by chance ──

MATCHES = (
    "-s 192.0.2.0/24", "-s 192.0.2.0/25", "-s 192.0.2.7", "! -s 192.0.2.0/24", "-p tcp", "-p udp", "-p tcp --dport 22",
    "-p tcp --dport 20:23", "-p tcp --syn", "-i lo", "-i eth0", "-m state --state NEW", "-m state --state INVALID",
    "-m set --match-set a src", "-m limit --limit 5/min", "-m recent --name a --set", "",
)  # fmt: skip
TARGETS = ("ACCEPT",) * 4 + ("DROP",) * 3 + ("REJECT", "RETURN", "LOG", "NFQUEUE")


def rule(chance: random.Random, chain: str, callees: tuple[str, ...]) -> str:
    """A rule of a chain that may jump to some others."""
    asks = [match for match in chance.sample(MATCHES, chance.choice((1, 1, 2))) if match]
    asks = asks[:1] if sum("-p " in match or "-s " in match or "-i " in match for match in asks) > 1 else asks
    how = f"-{chance.choice('jjjg')} {chance.choice(callees)}" if callees and chance.random() < 0.25 else ""
    return " ".join([chain, *asks, how or f"-j {chance.choice(TARGETS)}"])


def by_chance(seed: int) -> str:
    """A small ruleset with chains that jump to one another."""
    chance = random.Random(seed)
    policies = [f":{chain} {chance.choice(('ACCEPT', 'DROP'))} [0:0]" for chain in ("INPUT", "FORWARD", "OUTPUT")]
    lines = [
        rule(chance, chain, callees)
        for chain, callees in (("INPUT", ("a", "b")), ("FORWARD", ("a", "b")), ("a", ("b",)), ("b", ()))
        for _ in range(chance.randrange(2, 7))
    ]
    return text_of(*policies, ":a - [0:0]", ":b - [0:0]", *lines)


def subsets(findings: list[Finding], chance: random.Random) -> Iterator[list[Finding]]:
    """Each alone, all together, and some."""
    yield from ([finding] for finding in findings)
    yield findings
    yield [finding for finding in findings if chance.random() < 0.5]


@pytest.mark.parametrize("seed", [*range(60), 1079, 1162])
def test_any_of_the_fixes_keep_what_is_accepted(seed: int) -> None:
    text, chance = by_chance(seed), random.Random(seed)
    findings = fixable(text)
    for chosen in subsets(findings, chance):
        fixed = applied(text, *(finding.fix for finding in chosen if finding.fix))
        assert accepts_alike(text, fixed), [str(finding) for finding in chosen]


def test_chance_meets_every_check_that_deletes() -> None:
    slugs = {finding.slug for seed in range(60) for finding in fixable(by_chance(seed))}
    assert slugs >= {check.slug for check in FIXED} - {"port-match-on-wrong-protocol", "empty-chain-jump"}


# ── rules that are not deleted ──

DEAD_ONES = [
    "INPUT -p tcp -j LOG",
    "INPUT -p tcp -m limit --limit 5/min -j ACCEPT",
    "INPUT -p tcp -m recent --name x --set -j ACCEPT",
    "INPUT -p tcp -m hashlimit --hashlimit-name x --hashlimit-upto 5/min -j ACCEPT",
    "INPUT -p tcp",
    "INPUT -p tcp -m socket -j ACCEPT",
]


@pytest.mark.parametrize("rule", DEAD_ONES)
def test_what_does_more_than_decide_is_not_deleted(rule: str) -> None:
    (finding,) = found("dead-after-terminal", text_of("INPUT -j DROP", rule))
    assert finding.fix is None


def test_a_rule_that_may_be_deleted() -> None:
    (finding,) = found(
        "dead-after-terminal", text_of("INPUT -j DROP", "INPUT -p tcp -j ACCEPT", "INPUT -p udp -j DROP")
    )
    assert finding.fix is not None
    assert finding.fix.title == "delete these 2 rules"
    assert applied(finding.place.source.text, finding.fix) == text_of("INPUT -j DROP")


def test_the_rule_that_keeps_tracking_on_is_not_deleted() -> None:
    """Without the last of them nothing would be tracked; the first stays for all others."""
    stateful = "INPUT -m state --state NEW -j ACCEPT"
    (finding,) = found("dead-after-terminal", text_of("INPUT -j DROP", stateful))
    assert finding.fix is None
    (finding,) = found("dead-after-terminal", text_of("OUTPUT -m state --state NEW -j DROP", "INPUT -j DROP", stateful))
    assert finding.fix is not None


@pytest.mark.parametrize("command", ["-D INPUT 1", "-I INPUT -p udp -j DROP", "-F OUTPUT", "[5:7] -I INPUT -j DROP"])
def test_nothing_is_deleted_where_commands_count_rules(command: str) -> None:
    text = f"*filter\n-A INPUT -p icmp -j DROP\n-A INPUT -j DROP\n-A INPUT -p tcp -j ACCEPT\n{command}\nCOMMIT\n"
    assert api.parse(text).valid
    assert fixable(text) == []
