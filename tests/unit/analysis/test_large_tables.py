"""Of a large table less may be known than of a small one, and nothing else."""

from __future__ import annotations

import pytest

import rulec
from rulec import api
from rulec.lint.checks import CHECKS
from rulec.semantics import walk

MEANING = [check for check in CHECKS if check.group in ("ruleset", "exposure")]
EXAMPLES = [(check.slug, text) for check in MEANING for text in (check.example.bad, check.example.good)]

MASQUERADED = """\
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -i eth0 -d 10.0.0.0/8 -j DROP
-A PREROUTING ! -i eth0 ! -s 10.0.0.0/8 -j DROP
COMMIT
*nat
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -o eth0 -j SNAT --to-source 192.0.2.1
COMMIT
*filter
:FORWARD ACCEPT [0:0]
-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A FORWARD -i eth0 -d 10.0.0.0/8 -j DROP
COMMIT
"""
"""The second rule of FORWARD would drop replies, whose destination is no longer what it was when they arrived."""


def found(text: str) -> set[tuple[str, int]]:
    """What checks find, and on which lines."""
    ruleset = rulec.parse(text, "rules")
    report = api.lint(ruleset, MEANING)
    return {(finding.slug, ruleset.source.position(finding.place.span[0])[0]) for finding in report.findings}


@pytest.mark.parametrize(("slug", "text"), EXAMPLES)
def test_nothing_is_found_that_is_not_there(slug: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = found(text)
    monkeypatch.setattr(walk, "LARGE", -1)
    assert found(text) <= known


def test_a_rule_for_known_connections_is_not_redundant_because_of_what_others_were(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert ("redundant-rule", 12) not in found(MASQUERADED)
    monkeypatch.setattr(walk, "LARGE", -1)
    assert ("redundant-rule", 12) not in found(MASQUERADED)
