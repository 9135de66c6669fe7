"""What lint found, with the closing verdict of each file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from rulec.config.file import ConfigFile
from rulec.diagnostics import Finding, Label, Safety, Suppressed
from rulec.report import text
from rulec.syntax.ruleset import Ruleset

_MOST_LINES = 8


class Report(NamedTuple):
    """What lint has to say about one ruleset.

    ``tracked_by`` are the lines because of which packets are tracked, None when
    no check of the group conntrack was run or the ruleset is in error;
    ``undecided`` says what could not be found out; ``family`` is what these lines
    have tracked, and ``modules`` are the places in other files that do so, too;
    ``suppressed`` are findings of which nobody wants to hear.
    """

    ruleset: Ruleset
    findings: tuple[Finding, ...]
    tracked_by: tuple[int, ...] | None
    undecided: tuple[str, ...] = ()
    family: str = ""
    modules: tuple[Label, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()


class FileReport(NamedTuple):
    """What lint has to say about one configuration file."""

    file: ConfigFile
    findings: tuple[Finding, ...]
    undecided: tuple[str, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()


def closing(reports: Sequence[Report | FileReport]) -> Iterator[str]:
    """The verdict of each file, and of all of them where there are several."""
    for report in reports:
        yield from _of_file(report) if isinstance(report, FileReport) else _closing(report)
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


def _of_file(report: FileReport) -> Iterator[str]:
    count = _count(report) or "nothing to say"
    yield f"{text.printable(report.file.source.name)}: {count} ({report.file.kind.value})"


def _closing(report: Report) -> Iterator[str]:
    name, family = text.printable(report.ruleset.source.name), report.ruleset.family.label
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
        yield f"{name}: in error, so it is not known what is tracked; lint it without --select and --ignore"


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


def summary(reports: Sequence[Report | FileReport]) -> dict[str, Any]:
    """The numbers, and what is known of each file."""
    findings = [finding for report in reports for finding in report.findings]
    counts = Counter(finding.severity.value for finding in findings)
    files = [_config(report) if isinstance(report, FileReport) else _ruleset(report) for report in reports]
    return {**{kind: counts[kind] for kind in ("error", "warning", "note")}, "files": files}


def _ruleset(report: Report) -> dict[str, Any]:
    return {
        "file": report.ruleset.source.name,
        "kind": "ruleset",
        "family": report.ruleset.family.value,
        "tracked": None if report.tracked_by is None else bool(report.tracked_by or report.modules),
        "tracked_by": list(report.tracked_by or ()),
        "tracked_by_files": [{"file": label.source.name, "line": label.line} for label in report.modules],
    }


def _config(report: FileReport) -> dict[str, Any]:
    return {
        "file": report.file.source.name,
        "kind": report.file.kind.value,
        "family": None,
        "tracked": None,
        "tracked_by": [],
        "tracked_by_files": [],
    }
