"""What stands below the findings of each file."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rulec import __version__, api
from rulec.report.lint import Report


def rules(*lines: str, family: str = "ipv4") -> Report:
    checks = api.checks(["syntax", "load", "conntrack"])
    report = api.lint(api.parse("\n".join(["*filter", *lines, "COMMIT", ""]), "rules", family), checks)
    assert isinstance(report, Report)
    return report


def closing(*reports: Report) -> list[str]:
    """The lines behind the last finding."""
    lines = list(api.render(reports, "full"))
    return lines[len(lines) - lines[::-1].index("") :] if "" in lines else lines


TRACKED = "-A INPUT -m state --state NEW"
ERROR = "-A INPUT -j NOWHERE"


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (rules(), ["nothing here has IPv4 tracked (another ruleset of the host still can)"]),
        (rules(family="ipv6"), ["nothing here has IPv6 tracked (another ruleset of the host still can)"]),
        (rules(TRACKED), ["1 note", "IPv4 is tracked, because of the rule on line 2"]),
        (rules(TRACKED, family="ipv6"), ["1 note", "IPv6 is tracked, because of the rule on line 2"]),
        (rules(TRACKED, TRACKED), ["2 notes", "IPv4 is tracked, because of 2 rules (lines 2, 3)"]),
        (
            rules(*[TRACKED] * 8),
            ["8 notes", "IPv4 is tracked, because of 8 rules (lines 2, 3, 4, 5, 6, 7, 8, 9)"],
        ),
        (
            rules(*[TRACKED] * 9),
            ["9 notes", "IPv4 is tracked, because of 9 rules (lines 2, 3, 4, 5, 6, 7, 8, 9, ...)"],
        ),
        (rules(ERROR), ["1 error"]),
        (rules(ERROR, ERROR, TRACKED), ["2 errors, 1 note"]),
        (rules(TRACKED + " -m conntrack --ctstate NEW"), ["2 notes", "IPv4 is tracked, because of the rule on line 2"]),
    ],
)
def test_closing(report: Report, said: list[str]) -> None:
    assert closing(report) == [f"rules: {line}" for line in said]


def test_each_file_has_its_own() -> None:
    assert closing(rules(TRACKED), rules()) == [
        "rules: 1 note",
        "rules: IPv4 is tracked, because of the rule on line 2",
        "rules: nothing here has IPv4 tracked (another ruleset of the host still can)",
        "2 files: 1 note in 1 of them",
    ]


def test_of_many_files_the_worst_are_named() -> None:
    """Who lints a folder wants to know where to begin."""
    many = [rules(TRACKED), rules(TRACKED, family="ipv6"), rules(ERROR, ERROR), *[rules()] * 7, *[rules(ERROR)] * 12]
    said = closing(*many)
    assert said[0] == "rules: 2 errors"
    assert said[1:10] == ["rules: 1 error"] * 9
    assert said[10:] == [
        "and 5 more files with findings",
        "tracked: IPv4 in 1, IPv6 in 1 of 9 rulesets that load",
        "22 files: 14 errors, 2 notes in 15 of them",
    ]


def test_names_do_not_steer_the_terminal() -> None:
    (line,) = api.render([api.lint(api.parse("", "\x1bc"))], "full")
    assert line.startswith("\N{REPLACEMENT CHARACTER}c: ")


def test_concise_has_none() -> None:
    assert len(list(api.render([rules(TRACKED, ERROR)], "concise"))) == 2


def document(*reports: Report) -> Any:
    (text,) = api.render(reports, "json")
    return json.loads(text)


def test_json_counts_all_files_together() -> None:
    summary = document(rules(TRACKED), rules(ERROR), rules())["summary"]
    assert {kind: summary[kind] for kind in ("error", "warning", "note")} == {"error": 1, "warning": 0, "note": 1}
    assert [(file["tracked"], file["tracked_by"]) for file in summary["files"]] == [
        (True, [2]),
        (None, []),
        (False, []),
    ]


def test_json_of_nothing() -> None:
    assert document() == {
        "schema_version": 1,
        "tool": {"name": "rulec", "version": __version__},
        "diagnostics": [],
        "suppressed": [],
        "undecided": [],
        "problems": [],
        "summary": {"error": 0, "warning": 0, "note": 0, "files": []},
    }
