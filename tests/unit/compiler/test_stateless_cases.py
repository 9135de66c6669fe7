"""Whole rulesets of which no rule is to need connection tracking, and what becomes of them, or why they are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from rulec.analysis.tracking import tracking_facts
from rulec.compiler import flows
from rulec.compiler.compile import compile_ruleset
from tests.unit.compiler.test_cases import Case, compiled, parts, ruleset, wanted

CASES = sorted(Path(__file__).resolve().parents[2].joinpath("golden", "stateless_cases").glob("*.rules"))
DONE = [path for path in CASES if "refused" not in path.stem]


def result(path: Path, case: Case) -> str:
    return compiled(case.text, path, wanted(case.policy))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path, request: pytest.FixtureRequest) -> None:
    case = parts(path)
    found = result(path, case)
    if request.config.getoption("--update-golden", default=False):
        path.write_text(f"{case.text}--- policy\n{case.policy}--- compiled\n{found}")
    else:
        assert found == case.expected


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_same_of_a_table_that_becomes_large(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of large tables less is known of each rule at once; the new rules make a table large that was not."""
    case = parts(path)
    monkeypatch.setattr(flows, "_LARGE", case.text.count("\n-A ") + 1)
    assert result(path, case) == case.expected


@pytest.mark.parametrize("path", DONE, ids=lambda path: path.stem)
def test_nothing_is_tracked_any_more(path: Path) -> None:
    assert tracking_facts(ruleset(parts(path).expected, path)).lines == ()


@pytest.mark.parametrize("path", DONE, ids=lambda path: path.stem)
def test_compiling_again_changes_nothing(path: Path) -> None:
    case = parts(path)
    again = compile_ruleset(ruleset(case.expected, path), wanted(case.policy))
    assert again.text == case.expected
    assert again.notes == ("no rule of this file needs connection tracking: there is nothing to do",)


@pytest.mark.parametrize("path", [path for path in CASES if path not in DONE], ids=lambda path: path.stem)
def test_refusals_name_the_rule(path: Path) -> None:
    assert "error[refused]" in parts(path).expected
    assert ":1:1:" not in parts(path).expected
