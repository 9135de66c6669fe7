"""Workflow commands of GitHub Actions, which become annotations of the lines.

How they are written and what is escaped: actions/toolkit, docs/commands.md, and
``command.ts`` of its package core.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.diagnostics import Label, Severity
from rulec.report.formats.log import Log, Told, region, remarks
from rulec.report.text import printable

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def lines(log: Log) -> Iterator[str]:
    """One command a finding."""
    return map(_command, log.shown)


def _command(told: Told) -> str:
    place, finding = region(told.finding), told.finding
    properties = {
        "file": told.path,
        "line": place.line,
        "endLine": place.line,
        "col": place.column,
        "endColumn": place.end_column,
        "title": f"rulec: {finding.slug}",
    }
    named = ",".join(f"{name}={_escaped(str(value))}" for name, value in properties.items())
    said = [finding.message, *map(_related, finding.labels[1:]), *remarks(finding)]
    return f"::{_LEVELS[finding.severity]} {named}::{'%0A'.join(printable(line).translate(_DATA) for line in said)}"


def _escaped(value: str) -> str:
    return printable(value).translate(_PROPERTY)


def _related(label: Label) -> str:
    return f"{label.source.name}:{label.line}: {label.text or label.source.line(label.line).strip()}"
