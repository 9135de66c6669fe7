"""The Diagnostic Format of reviewdog, as one JSON object; columns count octets of UTF-8 there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rulec.diagnostics import Edit, Finding, Fix
from rulec.report import json
from rulec.report.formats.log import Log, remarks
from rulec.source import Source, Span

_SEVERITIES = {"error": "ERROR", "warning": "WARNING", "note": "INFO"}


def lines(log: Log) -> Iterator[str]:
    """The document."""
    yield json.dumped({"source": {"name": "rulec"}, "diagnostics": [_diagnostic(each) for each in log.findings]})


def _diagnostic(finding: Finding) -> dict[str, Any]:
    source = finding.place.source
    return {
        "message": "\n".join([finding.message, *remarks(finding)]),
        "location": {"path": source.name, "range": _range(source, finding.place.span)},
        "severity": _SEVERITIES[finding.severity.value],
        "code": {"value": finding.slug},
        "suggestions": list(_suggestions(source, finding.fix)),
    }


def _suggestions(source: Source, fix: Fix | None) -> Iterator[dict[str, Any]]:
    edits: tuple[Edit, ...] = () if fix is None else fix.edits
    for edit in edits:
        yield {"range": _range(source, edit.span), "text": edit.text}


def _range(source: Source, span: Span) -> dict[str, Any]:
    return {"start": _position(source, span.start), "end": _position(source, span.end)}


def _position(source: Source, offset: int) -> dict[str, int]:
    line, column = source.position(offset)
    before = source.line(line)[: column - 1]
    return {"line": line, "column": len(before.encode("utf-8", "surrogateescape")) + 1}
