"""Of large tables the proof asks about a few packets at a time; it says the same as of small ones."""

from __future__ import annotations

from functools import partial

import pytest

import rulec
from rulec.compiler.certificate import Certificate
from rulec.compiler.prove import prove
from rulec.policy import read
from tests.unit.compiler.histories_cases import Case, policy_text
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
