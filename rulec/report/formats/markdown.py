"""Markdown, for a comment on a pull request or the summary of a step."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from rulec.diagnostics import Finding, Label
from rulec.report.closing import closing, counted
from rulec.report.formats.log import Log, source_of
from rulec.report.text import printable

_MOST = 50_000
"""How many characters the tables take: a comment of GitHub holds 65,536."""

_LONGEST = 300
"""How much is shown of a rule."""

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#&~])")


def lines(log: Log) -> Iterator[str]:
    """A heading with the numbers, a table a file with its findings, and the verdict of each file."""
    findings = log.findings
    yield f"### rulec lint: {counted(findings) or 'nothing found'}"
    shown = _worst(findings)
    for report in log.reports:
        rows = [shown[id(finding)] for finding in report.findings if id(finding) in shown]
        if rows:
            yield from ("", f"**{escaped(source_of(report).name)}**", "", "| line | check | |", "|---:|---|---|", *rows)
    if len(findings) > len(shown):
        yield from ("", f"{len(findings) - len(shown)} more findings are not shown.")
    yield ""
    said = [*closing(log.reports), *(f"undecided: {reason}" for reason in log.undecided)]
    yield from (f"- {escaped(line)}" for line in [*said, *log.problems])


def _worst(findings: Iterable[Finding]) -> dict[int, str]:
    """The rows of the worst findings, as many as there is room for."""
    rows: dict[int, str] = {}
    left = _MOST
    for finding in sorted(findings, key=lambda finding: -finding.severity.rank):
        row = _row(finding)
        left -= len(row)
        if left < 0:
            break
        rows[id(finding)] = row
    return rows


def _row(finding: Finding) -> str:
    check = f"{finding.severity.value} {code(finding.slug)}"
    return f"| {finding.line} | {check} | {'<br>'.join(_said(finding))} |"


def _said(finding: Finding) -> Iterator[str]:
    yield escaped(finding.message)
    yield code(_words(finding.place))
    for label in finding.labels[1:]:
        place = f"line {label.line}" if label.source is finding.place.source else f"{label.source.name}:{label.line}"
        yield f"{escaped(place)}: {code(_words(label))}" + (f" {escaped(label.text)}" if label.text else "")
    if finding.witness:
        yield f"witness: {code(finding.witness)}"
    if finding.hint:
        yield f"help: {escaped(finding.hint)}"
    if finding.fix is not None:
        yield f"fix: {escaped(finding.fix.title)} ({finding.fix.safety.value})"


def _words(label: Label) -> str:
    words = label.source.line(label.line).strip()
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"


def escaped(words: str) -> str:
    """Text in which nothing means anything to Markdown."""
    return _SPECIAL.sub(r"\\\1", printable(words).replace("\t", " "))


def code(words: str) -> str:
    """Words as code, in a cell of a table."""
    words = printable(words).replace("\t", " ").replace("|", "\\|")
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", words)), default=0))
    pad = " " if "`" in words else ""
    return f"{fence}{pad}{words}{pad}{fence}" if words else ""
