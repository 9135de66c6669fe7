"""Whole rulesets with policies, and what they are compiled to, or why they are refused.

A case is one file: the ruleset, the policy, and what is expected, each behind a line that
begins with ``---``.  Names that end in 6 are for ip6tables.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

import rulec
from rulec.compiler.compile import compile_ruleset
from rulec.diagnostics import Finding
from rulec.errors import Refused
from rulec.policy import Policy, read
from rulec.syntax.ruleset import Ruleset

CASES = sorted(Path(__file__).resolve().parents[2].joinpath("golden", "compile_cases").glob("*.rules"))


class Case(NamedTuple):
    """The parts of a file."""

    text: str
    policy: str
    expected: str


def parts(path: Path) -> Case:
    text, rest = path.read_text().split("--- policy\n")
    policy, expected = rest.split("--- compiled\n")
    return Case(text, policy, expected)


def ruleset(text: str, path: Path) -> Ruleset:
    found = rulec.parse(text, path.name, "ipv6" if path.stem.endswith("6") else "ipv4")
    assert found.valid, found.findings
    return found


def wanted(text: str) -> Policy:
    found, problems = read(text, "policy.yaml")
    assert found is not None, problems
    return found


def refusal(finding: object) -> str:
    assert isinstance(finding, Finding)
    hint = f"\n  help: {finding.hint}" if finding.hint else ""
    return f"{finding}{hint}\n"


def compiled(text: str, path: Path, policy: Policy) -> str:
    try:
        return compile_ruleset(ruleset(text, path), policy).text
    except Refused as refused:
        return "".join(map(refusal, refused.findings))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path, request: pytest.FixtureRequest) -> None:
    case = parts(path)
    found = compiled(case.text, path, wanted(case.policy))
    if request.config.getoption("--update-golden", default=False):
        path.write_text(f"{case.text}--- policy\n{case.policy}--- compiled\n{found}")
    else:
        assert found == case.expected


@pytest.mark.parametrize("path", [path for path in CASES if "refused" not in path.stem], ids=lambda path: path.stem)
def test_compiling_again_changes_nothing(path: Path) -> None:
    case = parts(path)
    assert compiled(case.expected, path, wanted(case.policy)) == case.expected


@pytest.mark.parametrize("path", [path for path in CASES if "refused" in path.stem], ids=lambda path: path.stem)
def test_refusals_are_refusals(path: Path) -> None:
    assert "error[refused]" in parts(path).expected
