"""What lint found, with the closing verdict of each file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from rulec.diagnostics import Finding
from rulec.report import json, text
from rulec.syntax.ruleset import Ruleset

_MOST_LINES = 8


class Report(NamedTuple):
    """What lint has to say about one ruleset.

    ``tracked_by`` are the lines because of which packets are tracked, None when
    no check of the group conntrack was run or the ruleset is in error;
    ``undecided`` says what could not be found out.
    """

    ruleset: Ruleset
    findings: tuple[Finding, ...]
    tracked_by: tuple[int, ...] | None
    undecided: tuple[str, ...] = ()


def render(reports: Sequence[Report], form: str, version: str) -> Iterator[str]:
    """All reports in one of the forms full, concise, json."""
    findings = [finding for report in reports for finding in report.findings]
    if form == "json":
        yield json.document(version, findings, _summary(reports, findings))
        return
    yield from (text.full if form == "full" else text.concise)(findings)
    if form == "full":
        for report in reports:
            yield from _closing(report)


def _closing(report: Report) -> Iterator[str]:
    name, family = text.printable(report.ruleset.source.name), report.ruleset.family.label
    count = _counted(report.findings)
    if count:
        yield f"{name}: {count}"
    if report.tracked_by:
        yield f"{name}: {family} is tracked, because of {_rules(report.tracked_by)}"
    elif report.tracked_by is not None:
        yield f"{name}: nothing here has {family} tracked (another ruleset of the host still can)"
    elif not report.ruleset.valid and not count:
        yield f"{name}: in error, so it is not known what is tracked; lint it without --select and --ignore"


def _counted(findings: Sequence[Finding]) -> str:
    counts = Counter(finding.severity.value for finding in findings)
    kinds = (kind for kind in ("error", "warning", "note") if counts[kind])
    return ", ".join(f"{counts[kind]} {kind}{'s' * (counts[kind] > 1)}" for kind in kinds)


def _rules(lines: Sequence[int]) -> str:
    shown = ", ".join(map(str, lines[:_MOST_LINES])) + ", ..." * (len(lines) > _MOST_LINES)
    return f"{len(lines)} rules (lines {shown})" if len(lines) > 1 else f"the rule on line {lines[0]}"


def _summary(reports: Sequence[Report], findings: Sequence[Finding]) -> dict[str, Any]:
    counts = Counter(finding.severity.value for finding in findings)
    files = [
        {
            "file": report.ruleset.source.name,
            "family": report.ruleset.family.value,
            "tracked": None if report.tracked_by is None else bool(report.tracked_by),
            "tracked_by": list(report.tracked_by or ()),
        }
        for report in reports
    ]
    return {**{kind: counts[kind] for kind in ("error", "warning", "note")}, "files": files}
