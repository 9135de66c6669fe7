"""Results as JSON, with a version of their form; readers ignore keys that they do not know."""

from __future__ import annotations

from typing import Any

from rulec.diagnostics import Edit, Finding, Fix
from rulec.resources import lazy
from rulec.source import Source

SCHEMA_VERSION = 1


def head(version: str) -> dict[str, Any]:
    """What every document begins with."""
    return {"schema_version": SCHEMA_VERSION, "tool": {"name": "rulec", "version": version}}


def dumped(content: Any, indent: int | None = 2) -> str:
    """Content as JSON, in characters that every encoding has."""
    text: str = lazy("json").dumps(content, indent=indent, ensure_ascii=True)
    return text


def finding(found: Finding) -> dict[str, Any]:
    """A finding, every part in its key."""
    return {
        "file": found.place.source.name,
        "line": found.line,
        "column": found.column,
        "end_line": found.end_line,
        "end_column": found.end_column,
        "slug": found.slug,
        "severity": found.severity.value,
        "confidence": found.confidence.value,
        "message": found.message,
        "help": found.hint or None,
        "witness": found.witness or None,
        "related": [
            {"file": label.source.name, "line": label.line, "column": label.column, "message": label.text}
            for label in found.labels[1:]
        ],
        "fix": None if found.fix is None else _fix(found.fix, found.place.source),
    }


def _fix(fix: Fix, source: Source) -> dict[str, Any]:
    edits = [_edit(edit, source) for edit in fix.edits]
    return {"title": fix.title, "safety": fix.safety.value, "edits": edits}


def _edit(edit: Edit, source: Source) -> dict[str, Any]:
    (line, column), (end_line, end_column) = (source.position(offset) for offset in edit.span)
    return {
        "start": edit.span.start,
        "end": edit.span.end,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
        "text": edit.text,
    }
