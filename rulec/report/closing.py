"""The closing verdict of each file, and of all of them together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from rulec.diagnostics import Finding, Safety
from rulec.report import text
from rulec.report.lint import FileReport, Report
from rulec.syntax.ruleset import Ruleset

_MOST_LINES = 8
_MOST_FILES, _WORST = 20, 10
"""From how many files on only the worst are named, and how many these are."""


def closing(reports: Sequence[Report | FileReport]) -> Iterator[str]:
    """The verdict of each file, and of all of them where there are several."""
    if len(reports) > _MOST_FILES:
        yield from _of_many(reports)
    else:
        for report in reports:
            yield from _of_file(report) if isinstance(report, FileReport) else _of_ruleset(report)
    if len(reports) > 1:
        yield together(reports)


def together(reports: Sequence[Report | FileReport]) -> str:
    """What was found in all files."""
    findings = [finding for report in reports for finding in report.findings]
    bad = sum(bool(report.findings) for report in reports)
    where = f" in {bad} of them" if 0 < bad < len(reports) else ""
    files = f"{len(reports)} file{'s' * (len(reports) != 1)}"
    return f"{files}: {counted(findings) or 'nothing found'}{where}{_fixable(findings)}"


def _fixable(findings: Sequence[Finding]) -> str:
    counts = Counter(finding.fix.safety for finding in findings if finding.fix is not None)
    safe, unsafe = counts[Safety.SAFE], counts[Safety.UNSAFE]
    parts = [f"{safe} with --fix"] * bool(safe) + [f"{unsafe} more with --unsafe-fixes"] * bool(unsafe)
    return f" (fixable: {', '.join(parts)})" if parts else ""


def _of_many(reports: Sequence[Report | FileReport]) -> Iterator[str]:
    """The files with the worst findings, and how many have packets tracked."""
    bad = sorted((report for report in reports if report.findings), key=_badness, reverse=True)
    for report in bad[:_WORST]:
        yield f"{_name(report)}: {_count(report)}"
    if len(bad) > _WORST:
        yield f"and {len(bad) - _WORST} more files with findings"
    asked = [report for report in reports if isinstance(report, Report) and report.tracked_by is not None]
    tracked = Counter(report.ruleset.family.label for report in asked if report.tracked_by or report.modules)
    if tracked:
        kinds = ", ".join(f"{family} in {count}" for family, count in sorted(tracked.items()))
        yield f"tracked: {kinds} of {len(asked)} rulesets that load"


def _badness(report: Report | FileReport) -> tuple[int, ...]:
    counts = Counter(finding.severity.rank for finding in report.findings)
    return counts[2], counts[1], counts[0]


def _name(report: Report | FileReport) -> str:
    source = report.file.source if isinstance(report, FileReport) else report.ruleset.source
    return text.printable(source.name)


def _of_file(report: FileReport) -> Iterator[str]:
    count = _count(report) or "nothing to say"
    yield f"{_name(report)}: {count} ({report.file.kind.value})"


def _of_ruleset(report: Report) -> Iterator[str]:
    name, family = _name(report), report.ruleset.family.label
    count = _count(report)
    if count:
        yield f"{name}: {count}"
    if report.ruleset.is_piece:
        yield f"{name}: a piece of what ufw loads; what packets meet is asked of the whole, as iptables-save prints it"
    if report.tracked_by:
        yield f"{name}: {report.family} is tracked, because of {_causes(report.ruleset, report.tracked_by)}"
    if report.modules and report.tracked_by is not None:
        places = ", ".join(dict.fromkeys(f"{label.source.name}:{label.line}" for label in report.modules))
        yield f"{name}: {family} is tracked, because of what is loaded by {text.printable(places)}"
    if report.tracked_by or report.modules:
        return
    if report.tracked_by is not None:
        yield f"{name}: nothing here has {family} tracked (another ruleset of the host still can)"
    elif not report.ruleset.valid and not report.findings:
        yield f"{name}: in error, so it is not known what is tracked; {_way_to_errors(report)}"


def _way_to_errors(report: Report) -> str:
    """How to see the errors that nothing is said of."""
    hidden = any(each.finding.severity.rank == 2 for each in report.suppressed)
    return "--no-ignores shows the errors" if hidden else "lint it without --select and --ignore"


def _count(report: Report | FileReport) -> str:
    suppressed = f"{len(report.suppressed)} suppressed" if report.suppressed else ""
    return ", ".join(filter(None, (counted(report.findings), suppressed)))


def counted(findings: Sequence[Finding]) -> str:
    """How many there are of each severity, nothing for none."""
    counts = Counter(finding.severity.value for finding in findings)
    kinds = (kind for kind in ("error", "warning", "note") if counts[kind])
    return ", ".join(f"{counts[kind]} {kind}{'s' * (counts[kind] > 1)}" for kind in kinds)


def _causes(ruleset: Ruleset, lines: Sequence[int]) -> str:
    """The rules of some lines, and the tables."""
    tables = {table.line: table.name for table in ruleset.tables.values()}
    rules = [line for line in lines if line not in tables]
    named = [f"the table {tables[line]} on line {line}" for line in lines if line in tables]
    return " and ".join([_rules(rules), *named] if rules else named)


def _rules(lines: Sequence[int]) -> str:
    shown = ", ".join(map(str, lines[:_MOST_LINES])) + ", ..." * (len(lines) > _MOST_LINES)
    return f"{len(lines)} rules (lines {shown})" if len(lines) > 1 else f"the rule on line {lines[0]}"
