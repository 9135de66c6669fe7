"""Of large tables the proof asks about a few packets at a time; it says the same as of small ones."""

from __future__ import annotations

from functools import partial

import pytest

import rulec
from rulec.compiler.certificate import Certificate
from rulec.compiler.prove import prove
from rulec.policy import read
from tests.unit.compiler.histories_cases import BOTH, KNOWN, LO, RAW, WEB, Case, accepts, policy_text, ruleset
from tests.unit.compiler.test_proof_mistakes import CASES

said = partial(map, lambda failure: (failure.part, failure.path, failure.message))


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each table is a large one."""
    monkeypatch.setattr("rulec.analysis.sides.LARGE", -1)
    monkeypatch.setattr("rulec.semantics.walk.LARGE", -1)


def certificate(case: Case) -> Certificate:
    policy, problems = read(policy_text(case.hot), "policy.yaml")
    assert policy is not None, problems
    old, new = (rulec.parse(text, name, "ipv4") for text, name in ((case.old, "old"), (case.new, "new")))
    return prove(old, new, policy)


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("name", CASES)
def test_says_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES[name]
    found = certificate(case)
    monkeypatch.undo()
    other = certificate(case)
    assert set(said(found.failures)) == set(said(other.failures))
    assert found.assumptions == other.assumptions
    assert [(one.message, bool(one.flows)) for one in found.exposures] == [
        (one.message, bool(one.flows)) for one in other.exposures
    ]
    assert found.losses == other.losses
    assert found.effects == other.effects


LOGS = "-A INPUT -p tcp --dport 80 -m state --state NEW -j LOG"


@pytest.mark.usefixtures("large")
def test_tells_the_line_of_the_new_ruleset() -> None:
    """A rule that hot packets met, and that they do not come to any more, stands further down now."""
    old = ruleset(LO, KNOWN, LOGS, accepts())
    found = certificate(Case("", WEB, old, ruleset(LO, BOTH, KNOWN, LOGS, accepts(), raw=RAW)))
    assert [one.message for one in found.effects] == ["LOG on line 8 does not meet all that it met"]
