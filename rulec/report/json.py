"""Results as JSON, with a version of their form; readers ignore keys that they do not know."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rulec.diagnostics import Finding, Fix
from rulec.resources import lazy

SCHEMA_VERSION = 1


def document(version: str, findings: Iterable[Finding], summary: dict[str, Any]) -> str:
    """One object: the tool, the findings, the summary."""
    content = {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "rulec", "version": version},
        "diagnostics": [_finding(finding) for finding in findings],
        "summary": summary,
    }
    text: str = lazy("json").dumps(content, indent=2, ensure_ascii=True)
    return text


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "file": finding.place.source.name,
        "line": finding.line,
        "column": finding.column,
        "end_line": finding.end_line,
        "end_column": finding.end_column,
        "slug": finding.slug,
        "severity": finding.severity.value,
        "confidence": finding.confidence.value,
        "message": finding.message,
        "help": finding.hint or None,
        "witness": finding.witness or None,
        "related": [
            {"file": label.source.name, "line": label.line, "column": label.column, "message": label.text}
            for label in finding.labels[1:]
        ],
        "fix": None if finding.fix is None else _fix(finding.fix),
    }


def _fix(fix: Fix) -> dict[str, Any]:
    edits = [{"start": edit.span.start, "end": edit.span.end, "text": edit.text} for edit in fix.edits]
    return {"title": fix.title, "safety": fix.safety.value, "edits": edits}
