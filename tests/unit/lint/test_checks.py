"""Every check: its example shows it, its file has its name, its docstring is its page."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from rulec import api
from rulec.diagnostics import Severity
from rulec.lint import checks
from rulec.lint.check import GROUPS, Check
from rulec.lint.checks import CHECKS
from rulec.lint.run import lint
from tests.unit.lint.linting import example_found

FOLDER = Path(checks.__file__).parent


def slugs(text: str, check: Check) -> set[str]:
    return {finding.slug for finding in example_found(text, check.example, [check])}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.slug)
class TestCheck:
    def test_speaks_of_the_bad_example(self, check: Check) -> None:
        assert slugs(check.example.bad, check) == {check.slug}

    def test_is_silent_about_the_good_one(self, check: Check) -> None:
        assert slugs(check.example.good, check) == set()

    def test_good_example_is_good_in_all_respects(self, check: Check) -> None:
        found = example_found(check.example.good, check.example)
        assert [finding for finding in found if finding.severity is not Severity.NOTE] == []

    def test_finds_with_the_severity_that_it_names(self, check: Check) -> None:
        found = example_found(check.example.bad, check.example, [check])
        assert {finding.severity for finding in found} == {check.severity}

    def test_finding_stands_on_a_word(self, check: Check) -> None:
        for finding in example_found(check.example.bad, check.example, [check]):
            start, end = finding.place.span
            assert check.example.bad[start:end].strip()

    def test_slug_is_the_name_of_its_file(self, check: Check) -> None:
        module = import_module(f"rulec.lint.checks.{check.slug.replace('-', '_')}")
        assert module.CHECK is check
        assert check.why is module.__doc__

    def test_says_why_it_is_there(self, check: Check) -> None:
        first, _, rest = check.why.partition("\n\n")
        assert first.endswith(".")
        assert "\n" not in first
        assert len(rest.split()) > 15

    def test_has_a_summary(self, check: Check) -> None:
        assert check.summary
        assert check.summary[-1] != "."
        assert check.group in GROUPS


def test_every_file_is_registered() -> None:
    files = {path.stem.replace("_", "-") for path in FOLDER.glob("*.py")} - {"--init--"}
    assert files == {check.slug for check in CHECKS}


def test_slugs_are_names_of_their_own() -> None:
    slugs = [check.slug for check in CHECKS]
    assert len({*slugs, *GROUPS}) == len(slugs) + len(GROUPS)


def test_checks_are_listed_by_groups() -> None:
    groups = [check.group for check in CHECKS]
    assert groups == sorted(groups, key=GROUPS.index)
    assert set(groups) == set(GROUPS)


def test_findings_come_in_the_order_of_the_text() -> None:
    text = "*filter\n-A INPUT -m state --state NEW -j NOWHERE\n-A INPUT -m state --state NEW\nx\nCOMMIT\n*nat\nCOMMIT\n"
    for order in (CHECKS, tuple(reversed(CHECKS))):
        found = api.lint(api.parse(text), order).findings
        assert [(finding.line, finding.slug) for finding in found] == [
            (2, "syntax-error"),
            (3, "tracking-match"),
            (4, "syntax-error"),
            (6, "conntrack-loaded"),
        ]


def test_no_checks_find_nothing() -> None:
    assert api.lint(api.parse("x"), []).findings == ()
    assert api.lint(api.parse("x")).findings != ()


def test_lint_of_facts_takes_any_iterable() -> None:
    facts = import_module("rulec.analysis.facts").Facts(api.parse("*filter\nx\nCOMMIT\n"))
    assert [finding.slug for finding in lint(facts, iter(CHECKS)).findings] == ["syntax-error"]
