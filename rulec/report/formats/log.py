"""All that a run of lint has to say, as every form is made of it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, NamedTuple

from rulec.diagnostics import Finding, Severity, Suppressed
from rulec.lint.check import Check
from rulec.report.lint import FileReport, Report
from rulec.resources import lazy
from rulec.source import Source


class Told(NamedTuple):
    """A finding with what other programs know it by; ``hidden`` says why nobody wants to hear of it."""

    finding: Finding
    fingerprint: str
    path: str
    hidden: Suppressed | None = None


class Log:
    """The reports of a run, the checks that were run, and what could not be done.

    ``problems`` are the complaints about input that could not be read; ``fail_on``
    are the ranks of the least severity that is a failure, one a report.  If ``quiet``
    is set, nothing but findings is told; ``configuration`` is the file whose settings
    hold for all.
    """

    def __init__(
        self,
        reports: Iterable[Report | FileReport],
        version: str,
        checks: Iterable[Check] = (),
        problems: Iterable[str] = (),
        fail_on: Iterable[int] = (),
    ) -> None:
        self.reports = tuple(reports)
        self.version = version
        self.checks = tuple(checks)
        self.problems = tuple(problems)
        self.fail_on = tuple(fail_on) or (Severity.WARNING.rank,) * len(self.reports)
        self.quiet = False
        self.configuration = ""

    @property
    def findings(self) -> list[Finding]:
        """All findings, in the order of the files."""
        return [finding for report in self.reports for finding in report.findings]

    @property
    def undecided(self) -> list[str]:
        """What could not be found out, a sentence each."""
        return [reason for report in self.reports for reason in report.undecided]

    @cached_property
    def told(self) -> tuple[tuple[Told, ...], ...]:
        """The findings of each report, and behind them those that are suppressed."""
        return tuple(tuple(_told(report)) for report in self.reports)

    @property
    def shown(self) -> Iterator[Told]:
        """The findings of all reports, without those that are suppressed."""
        return (each for told in self.told for each in told if each.hidden is None)

    @property
    def hidden(self) -> Iterator[Told]:
        """The findings of all reports that are suppressed."""
        return (each for told in self.told for each in told if each.hidden is not None)


def source_of(report: Report | FileReport) -> Source:
    """The text of which a report speaks."""
    return (report.ruleset if isinstance(report, Report) else report.file).source


def _told(report: Report | FileReport) -> Iterator[Told]:
    file: Any = report.ruleset if isinstance(report, Report) else report.file
    findings = [*report.findings, *(each.finding for each in report.suppressed)]
    prints = lazy("rulec.lint.fingerprints").fingerprints(findings, file)
    path = from_root(file.source.name)
    why = [*[None] * len(report.findings), *report.suppressed]
    return (Told(finding, known, path, hidden) for finding, known, hidden in zip(findings, prints, why, strict=True))


# ── places ──


def from_root(name: str) -> str:
    """The path of a file from the root of the repository, with slashes; where it really lies outside of it."""
    if name.startswith("<") or name == "-":
        return name
    root, path = _root(), os.path.realpath(name)
    inside = path.startswith(os.path.join(root, ""))
    return (os.path.relpath(path, root) if inside else path).replace(os.sep, "/")


def _root() -> str:
    """The nearest folder upwards that git knows as its own, or else the current one."""
    here = folder = os.path.realpath(os.curdir)
    while not os.path.exists(os.path.join(folder, ".git")):
        above = os.path.dirname(folder)
        if above == folder:
            return here
        folder = above
    return folder


class Region(NamedTuple):
    """A place on one line: line and columns from 1, the last column being the one behind it."""

    line: int
    column: int
    end_column: int


def region(finding: Finding) -> Region:
    """Where a finding is, cut at the end of its first line."""
    line = finding.line
    behind = finding.end_column if finding.end_line == line else len(finding.place.source.line(line)) + 1
    return Region(line, finding.column, max(behind, finding.column))


def remarks(finding: Finding) -> Iterator[str]:
    """What is said below the message, a line each."""
    if finding.witness:
        yield f"witness: {finding.witness}"
    if finding.hint:
        yield f"help: {finding.hint}"
    if finding.fix is not None:
        yield f"fix: {finding.fix.title} ({finding.fix.safety.value})"
