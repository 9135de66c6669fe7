"""The well-known mistakes are refuted, and right rewrites proved; a second reading of the same rules agrees."""

from __future__ import annotations

from functools import cache

import pytest

import rulec
from rulec.compiler.certificate import Certificate
from rulec.compiler.prove import prove
from rulec.packetset.packet import read_packet
from rulec.policy import read
from tests.unit.compiler.histories import Violation, violations
from tests.unit.compiler.histories_cases import GROUPS, Case, policy_text
from tests.unit.compiler.histories_rules import Unknown, rules

CASES = {f"{group}: {case.name}": case for group, cases in GROUPS.items() for case in cases}


def known(case: Case) -> bool:
    """Whether the second reading knows all rules of a case."""
    try:
        return bool(rules(case.old) and rules(case.new))
    except Unknown:
        return False


@pytest.mark.parametrize("name", CASES)
def test_says(name: str) -> None:
    """The part that fails, and what it says; nothing of what is right."""
    case, failures = CASES[name], certificate(CASES[name]).failures
    if not case.part:
        assert failures == ()
    else:
        assert any(failure.part == case.part and case.says in failure.message for failure in failures), failures


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.part])
def test_has_counterexamples(name: str) -> None:
    """Each failure shows a packet as ``rulec trace`` reads it."""
    for failure in certificate(CASES[name]).failures:
        assert read_packet(failure.packet), failure
        assert not failure.began or read_packet(failure.began), failure


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if known(case)])
def test_agrees_with_histories(name: str) -> None:
    """A history goes wrong exactly where the proof fails, as far as histories can show it."""
    found = histories(CASES[name])
    assert bool(found) == (bool(CASES[name].part) and name not in BEYOND), list(map(str, found))


BEYOND = frozenset(("client: asked from the port, by SYN and FIN", "tables: without fragments"))
"""Packets that histories do not hold."""


@cache
def certificate(case: Case) -> Certificate:
    """What the proof says of a case."""
    policy, problems = read(policy_text(case.hot), "policy.yaml")
    assert policy is not None, problems
    old, new = (rulec.parse(text, name, "ipv4") for text, name in ((case.old, "old"), (case.new, "new")))
    assert old.valid, old.findings
    assert new.valid, new.findings
    return prove(old, new, policy)


def histories(case: Case) -> list[Violation]:
    """The histories that the new ruleset treats as it must not."""
    return list(
        violations(rules(case.old), rules(case.new), case.hot, (22, case.hot.port, 40000), (case.hot.protocol,))
    )
