"""Every form as it is printed, and what the tools that read it ask of it.

``tests/golden/formats/in`` holds the files, the files beside it what is said of
them; ``pytest --update-golden`` writes these anew.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from rulec import __version__, api
from rulec.diagnostics import Finding, Label, Severity, Suppressed
from rulec.report.formats import FORMATS
from rulec.report.lint import Report
from rulec.source import Span
from tests.running import Done, rulec

GOLDEN = Path(__file__).resolve().parent.parent.parent / "golden" / "formats"
FILES = {
    "hosts/web 1,a.rules": "web.rules",
    "hosts/broken.rules": "broken.rules",
    "modprobe.d/x.conf": "modprobe.conf",
}
"""What the files are called, and where they lie."""
CHECKS = "syntax-error,load-error,unreachable-rule,open-to-world,blacklist-ignored"


@pytest.fixture(name="repository")
def repository_of_a_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of git with two rulesets and a configuration file; the current folder is its root."""
    for name, golden in FILES.items():
        tmp_path.joinpath(name).parent.mkdir(exist_ok=True)
        shutil.copy(GOLDEN / "in" / golden, tmp_path / name)
    tmp_path.joinpath(".git").mkdir()
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "GITHUB_ACTIONS", "RULEC_DOCS_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def lint(*options: str | Path, files: Iterable[str] = FILES) -> Done:
    return rulec("lint", "--select", CHECKS, *options, *files)


def said(form: str) -> str:
    """What is printed in a form."""
    return lint("--output-format", form).out


# ── golden ──


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("form", FORMATS)
def test_golden(form: str, request: pytest.FixtureRequest) -> None:
    done = lint("--output-format", form)
    text = _without_pages(done.out).replace(__version__, "VERSION")
    golden = GOLDEN / f"{form}.txt"
    if request.config.getoption("--update-golden", default=False):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")
    assert (done.code, done.err) == (1, "")


def _without_pages(text: str) -> str:
    """The log of SARIF without the pages of the checks, which may change."""
    if "sarif" not in text:
        return text
    log = json.loads(text)
    for rule in log["runs"][0]["tool"]["driver"]["rules"]:
        del rule["help"], rule["fullDescription"]
    return json.dumps(log, indent=2) + "\n"


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(FORMATS)


@pytest.mark.usefixtures("repository")
def test_every_form_tells_of_every_finding() -> None:
    slugs = [finding["slug"] for finding in json.loads(said("json"))["diagnostics"]]
    assert sorted(slugs) == sorted(CHECKS.split(","))
    lint(*(f"--output={form}={form}" for form in FORMATS))
    for form in FORMATS:
        text = Path(form).read_text(encoding="utf-8")
        assert [slug for slug in slugs if slug not in text] == [], form


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("form", FORMATS)
def test_a_form_says_that_nothing_was_found(form: str) -> None:
    done = rulec("lint", "--output-format", form, "--select", "syntax", "-", stdin="*filter\nCOMMIT\n")
    assert (done.code, done.err) == (0, "")


# ── what the readers ask for ──


@pytest.mark.usefixtures("repository")
def test_json_lines_are_the_diagnostics_of_json() -> None:
    whole = json.loads(said("json"))
    lines = [json.loads(line) for line in said("json-lines").splitlines()]
    assert [{**finding, "schema_version": 1} for finding in whole["diagnostics"]] == lines


@pytest.mark.usefixtures("repository")
def test_a_command_of_github_is_one_line_whatever_a_name_holds(repository: Path) -> None:
    name = "a:b,c%d\ne\r.rules"
    repository.joinpath(name).write_text("*filter\n-A INPUT -p tcp --dport 99999 -j ACCEPT\nCOMMIT\n")
    (line,) = lint("--output-format", "github", files=(name,)).out.splitlines()
    properties, _, message = line.removeprefix("::error ").partition("::")
    assert properties.startswith("file=a%3Ab%2Cc%25d\N{REPLACEMENT CHARACTER}e\N{REPLACEMENT CHARACTER}.rules,line=2,")
    assert "%0Ahelp: expected" in message


@pytest.mark.usefixtures("repository")
def test_gitlab_has_what_its_report_must_have(repository: Path) -> None:
    """Description, check name, fingerprint, place and severity; no two fingerprints alike."""
    shutil.copy(repository / "hosts" / "web 1,a.rules", repository / "hosts" / "copy.rules")
    done = lint("--output-format", "gitlab", files=(*FILES, "hosts/copy.rules"))
    found = json.loads(done.out)
    assert all({"description", "check_name", "fingerprint", "severity", "location"} == each.keys() for each in found)
    assert {each["severity"] for each in found} <= {"info", "minor", "major", "critical", "blocker"}
    assert len({each["fingerprint"] for each in found}) == len(found) == 7
    assert {each["location"]["path"] for each in found} == {*FILES, "hosts/copy.rules"}


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(("fail_on", "failures"), [("error", 2), ("warning", 4), ("note", 5), ("never", 0)])
def test_junit_fails_where_rulec_does(fail_on: str, failures: int) -> None:
    done = lint("--output-format", "junit", "--fail-on", fail_on)
    root = ElementTree.fromstring(done.out)
    assert (root.get("tests"), root.get("failures")) == ("5", str(failures))
    assert len(root.findall("testsuite/testcase/failure")) == failures
    assert bool(done.code) is bool(failures)


def test_junit_fails_for_each_file_where_rulec_does(repository: Path) -> None:
    """A configuration file further down may fail on other severities."""
    for folder, fail_on in (("hosts", "note"), ("modprobe.d", "error")):
        repository.joinpath(folder, "rulec.toml").write_text(f"lint.fail-on = '{fail_on}'\n")
    suites = ElementTree.fromstring(said("junit")).findall("testsuite")
    assert [(suite.get("tests"), suite.get("failures")) for suite in suites] == [("2", "2"), ("2", "2"), ("1", "0")]


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("form", ["junit", "checkstyle"])
def test_xml_holds_no_control_characters(form: str, repository: Path) -> None:
    repository.joinpath("\x1b.rules").write_bytes(b"*filter\n-A INPUT -j \x01\xff\nCOMMIT\n")
    done = lint("--output-format", form, files=("\x1b.rules",))
    assert "\N{REPLACEMENT CHARACTER}" in done.out
    ElementTree.fromstring(done.out)


def rdjson_text(source: str, position: dict[str, int], end: dict[str, int]) -> str:
    """What stands between two positions that count octets."""
    lines = source.encode().split(b"\n")
    assert position["line"] == end["line"]
    return lines[position["line"] - 1][position["column"] - 1 : end["column"] - 1].decode()


def test_rdjson_counts_octets(repository: Path) -> None:
    text = '*filter\n-A INPUT -p tcp -m comment --comment "☃é" --dport 99999 -j ACCEPT\nCOMMIT\n'
    repository.joinpath("x").write_text(text, encoding="utf-8")
    (found,) = json.loads(lint("--output-format", "rdjson", files=("x",)).out)["diagnostics"]
    place = found["location"]["range"]
    assert rdjson_text(text, place["start"], place["end"]) == "99999"


def table(markdown: str) -> list[list[str]]:
    """The cells of all rows of all tables."""
    rows = [line for line in markdown.splitlines() if line.startswith("|") and "---" not in line]
    return [row.replace("\\|", "\0").strip("|").split("|") for row in rows]


@pytest.mark.usefixtures("repository")
def test_markdown_cells_hold_whatever_a_rule_holds() -> None:
    rows = table(said("markdown"))
    assert {len(row) for row in rows} == {3}
    assert len(rows) == 5 + len(FILES)


@pytest.mark.usefixtures("repository")
def test_markdown_fits_into_a_comment(repository: Path) -> None:
    """However many files and findings there are, and however long the rules."""
    rule = f"-A INPUT -m comment --comment {'x' * 1000} -j NOWHERE\n"
    files = [f"many{number}" for number in range(60)]
    for name in files:
        repository.joinpath(name).write_text(f"*filter\n-A INPUT --bad\n{rule * 10}COMMIT\n")
    done = lint("--output-format", "markdown", files=files)
    assert 20_000 < len(done.out) < 65_536
    assert re.search(r"\n\d{3} more findings are not shown\.\n", done.out)


def test_markdown_shows_the_worst() -> None:
    ruleset = api.parse("*filter\n-A INPUT -j ACCEPT\nCOMMIT\n", "rules")
    place = Label(ruleset.source, Span(8, 26))
    notes = [Finding("some-note", "good to know", (place,), Severity.NOTE)] * 1000
    report = Report(ruleset, (*notes, Finding("some-error", "bad", (place,))), None)
    text = "\n".join(api.render_log(api.log([report]), "markdown"))
    assert "| 2 | error `some-error` | bad<br>`-A INPUT -j ACCEPT` |" in text
    assert "some-note" in text


# ── suppressed ones, and what could not be done ──


def log(*hidden: int) -> Any:
    """A log in which some findings are suppressed, one thing is undecided and one file was not read."""
    text = "*filter\n-A INPUT -j NOWHERE\n-A INPUT -j NOTHING\nCOMMIT\n"
    (report,) = [api.lint(api.parse(text, "rules"), api.checks(["load-error", "syntax-error"]))]
    found = report.findings
    suppressed = [Suppressed(found[number], "inSource", "see TICKET-1") for number in hidden]
    shown = tuple(finding for number, finding in enumerate(found) if number not in hidden)
    report = report._replace(findings=shown, suppressed=tuple(suppressed), undecided=("too large",))
    return api.log([report], api.checks(["load-error", "syntax-error"]), ["absent: No such file or directory"])


@pytest.mark.parametrize("form", FORMATS)
def test_suppressed_findings_are_told_only_as_such(form: str) -> None:
    text = "\n".join(api.render_log(log(1), form))
    assert "NOWHERE" in text
    shows = {"json": '"suppression": {', "sarif": '"suppressions": [', "junit": '<skipped message="see TICKET-1"'}
    assert ("NOTHING" in text) is (form in shows)
    assert shows.get(form, "") in text
    assert ("TICKET-1" in text) is (form in shows)


@pytest.mark.parametrize("form", ["json", "sarif", "junit", "markdown"])
def test_what_could_not_be_done_is_told(form: str) -> None:
    text = "\n".join(api.render_log(log(), form))
    assert "absent: No such file or directory" in text
    assert "too large" in text


def test_suppressing_one_finding_leaves_the_fingerprint_of_the_next() -> None:
    both, one = (json.loads("\n".join(api.render_log(made, "json"))) for made in (log(), log(0)))
    assert both["diagnostics"][1]["fingerprint"] == one["diagnostics"][0]["fingerprint"]
    assert one["suppressed"][0]["suppression"] == {"kind": "inSource", "reason": "see TICKET-1"}
