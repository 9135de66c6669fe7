"""What holds of suppressions, wherever they stand and however they are written."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from rulec import api
from rulec.diagnostics import Finding
from rulec.lint.handling import Handling
from rulec.linting.files import read
from rulec.linting.fixing import apply
from rulec.linting.ignores import with_ignores
from rulec.settings.model import Settings
from rulec.syntax.ruleset import Ruleset

NAMES = st.lists(
    st.sampled_from(
        ["open-to-world", "exposure", "duplicate-rule", "jump-loop", "syntax", "syntax-error", "x", "", " "]
    ),
    max_size=3,
).map(",".join)
COMMENTS = st.builds(
    "{}{}[{}]{}".format,
    st.sampled_from(["# rulec: ", "#rulec: ", "# rulec:", " # rulec: "]),
    st.sampled_from(["ignore", "file-ignore", "disable", "enable", "opaque", "skip", ""]),
    NAMES,
    st.sampled_from(["", " why", " until=2020-01-01", " until=9999-12-31 x", " until=", "x", " ]"]),
)
RULES = st.sampled_from(
    ["-A INPUT -p tcp --dport 22 -j ACCEPT", "-A INPUT -p tcp --dport 3306 -j ACCEPT", "-A INPUT -p udp -j DROP",
     '-A INPUT -m comment --comment "rulec:ignore=exposure y" -p tcp --dport 23 -j ACCEPT', "# a", "", "COMMIT",
     "*filter", "-A x"]
)  # fmt: skip
TEXTS = st.builds(
    lambda head, lines: "\n".join([*head, "*filter", ":INPUT DROP [0:0]", *lines, "COMMIT", ""]),
    st.lists(COMMENTS, max_size=2),
    st.lists(st.one_of(COMMENTS, RULES, RULES), max_size=8),
)
CHECKS = api.checks(["syntax", "load", "exposure", "duplicate-rule", "jump-loop", "suppression"])


def words(finding: Finding) -> str:
    """What is said, without the numbers of lines."""
    return f"{finding.slug}: {re.sub('line [0-9]+', 'a line', finding.message)}"


@given(TEXTS, st.sampled_from([None, True, False]))
def test_a_finding_is_reported_or_suppressed(text: str, markers: bool | None) -> None:
    plain = api.lint(api.parse(text), CHECKS, handling=Handling(ignores=False))
    found = api.lint(api.parse(text), CHECKS, handling=Handling(markers=markers))
    groups = {check.slug: check.group for check in CHECKS}
    reported = [finding for finding in found.findings if groups[finding.slug] != "suppression"]
    everything = [*reported, *(each.finding for each in found.suppressed)]
    assert sorted(everything, key=str) == sorted(plain.findings, key=str)
    errors = [finding for finding in plain.findings if groups[finding.slug] in ("syntax", "load")]
    assert [error for error in errors if error.severity.rank == 2 and error not in reported] == []


@given(TEXTS)
def test_without_what_is_of_no_use_the_same_is_reported(text: str) -> None:
    found = api.lint(api.parse(text), CHECKS)
    unused = [finding for finding in found.findings if finding.slug == "unused-suppression" and finding.fix]
    edits = {edit for finding in unused if finding.fix for edit in finding.fix.edits}
    again = api.lint(api.parse(apply(text, edits)), CHECKS)
    said = [words(finding) for finding in found.findings if finding not in unused]
    assert sorted(said) == sorted(map(words, again.findings))


@given(TEXTS)
def test_with_comments_added_nothing_is_left_that_they_could_suppress(text: str) -> None:
    file = read("rules", "rules", text, Settings())
    assert isinstance(file.content, Ruleset)
    report = api.lint(file.content, CHECKS)
    with_them, number = with_ignores(file, report, "because")
    again = api.lint(api.parse(with_them), CHECKS)
    assert len(report.findings) - number == len(again.findings)
    assert (with_them == text) is (number == 0)
