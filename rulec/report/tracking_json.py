"""Reports about connection tracking as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rulec.analysis.tracking_answers import Edit, TrackingReport
from rulec.report.json import SCHEMA_VERSION
from rulec.report.tracking_next import is_free, next_step
from rulec.resources import lazy


def document(reports: Sequence[TrackingReport], version: str) -> str:
    """One object: the tool, and a report for each ruleset."""
    content = {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "rulec", "version": version},
        "tracking": [_report(report) for report in reports],
    }
    text: str = lazy("json").dumps(content, indent=2, ensure_ascii=True)
    return text


def _report(report: TrackingReport) -> dict[str, Any]:
    flows = _plain(report.flows)
    flows["edits"] = [_edit(edit) for edit in report.flows.edits]
    return {
        **_plain(report),
        "is_tracked": report.is_tracked,
        "undecided": report.undecided or None,
        "flows": flows,
        "next": next_step(report).removeprefix("next: "),
    }


def _edit(edit: Edit) -> dict[str, Any]:
    return {**_plain(edit), "is_free": is_free(edit)}


def _plain(value: Any) -> Any:
    """Named tuples as objects, others as lists."""
    if hasattr(value, "_asdict"):
        return {name: _plain(inner) for name, inner in value._asdict().items()}
    return [_plain(inner) for inner in value] if isinstance(value, tuple) else value
