"""The examples of the catalogue through the parser.

That they are true of the real iptables is what tests/kernel/test_catalogue.py holds.
"""

from __future__ import annotations

import pytest

import rulec
from tests.unit.catalogue.examples import Case, of_kind

MISPRINTED = {
    "-m cluster ! --cluster-local-node 32 --cluster-total-nodes 32 --cluster-hash-seed 1",
    "-p ipcomp -m ipcomp ! --ipcompspi 0: --compres",
    "-j DNPT --dst-pfx fd00::/64 --src-pfx ::/0",
    "-j SNPT --dst-pfx ::/0 --src-pfx fd00::/64",
    "-j LED --led-trigger-id ssh --led-delay INF",
    "-p tcp -j MASQUERADE --to-ports 10-20/5",
    "-p tcp -j SNAT --to-source 192.0.2.1:10-20/5",
}
"""Rules of which iptables-save 1.8.9 prints what it does not take back, or takes for another rule."""


@pytest.mark.parametrize("case", of_kind("valid"), ids=str)
def test_valid(case: Case) -> None:
    """Without a finding, and saved as the example says, also when its shape is known."""
    ruleset = rulec.parse(case.ruleset(copies=2), family=case.family.value)
    assert ruleset.findings == ()
    assert rules(rulec.canonical(ruleset)) == [case.saved, case.saved]


@pytest.mark.parametrize("case", of_kind("valid"), ids=str)
def test_saved_form(case: Case) -> None:
    """What iptables-save prints is read, and printed the same, but for its own faults."""
    saved = rulec.canonical(rulec.parse(case.ruleset(), family=case.family.value))
    again = rulec.parse(saved, family=case.family.value)
    assert (again.findings == () and rulec.canonical(again) == saved) == (case.example.rule not in MISPRINTED)


@pytest.mark.parametrize("case", of_kind("invalid"), ids=str)
def test_invalid(case: Case) -> None:
    """iptables-restore would not take the line."""
    ruleset = rulec.parse(case.ruleset(), family=case.family.value)
    assert {finding.slug for finding in ruleset.findings} in ({"syntax-error"}, {"host-name"})
    assert {finding.line for finding in ruleset.findings} == {2}
    assert rules(rulec.canonical(ruleset)) == []


@pytest.mark.parametrize("case", of_kind("refused"), ids=str)
def test_refused(case: Case) -> None:
    """iptables-restore takes the line, and the kernel does not."""
    ruleset = rulec.parse(case.ruleset(), family=case.family.value)
    assert [(finding.slug, finding.line) for finding in ruleset.findings] == [("load-error", 2)]


def rules(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("-A ")]
