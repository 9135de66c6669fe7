"""What lint found, file by file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from rulec.config.file import ConfigFile
from rulec.diagnostics import Finding, Label, Suppressed
from rulec.syntax.ruleset import Ruleset


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
