"""A Code Quality report of GitLab (docs.gitlab.com, Code Quality report format)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rulec.diagnostics import Severity
from rulec.report import json
from rulec.report.formats.log import Log, Told, remarks
from rulec.resources import lazy

_SEVERITIES = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.NOTE: "info"}


def lines(log: Log) -> Iterator[str]:
    """The report, an array: GitLab takes nothing else."""
    exposing = {check.slug for check in log.checks if check.group == "exposure"}
    yield json.dumped([_violation(told, told.finding.slug in exposing) for told in log.shown])


def _violation(told: Told, exposes: bool) -> dict[str, Any]:
    finding = told.finding
    is_critical = exposes and finding.severity is not Severity.NOTE
    return {
        "description": "; ".join([finding.message, *remarks(finding)]),
        "check_name": finding.slug,
        "fingerprint": _unique(told),
        "severity": "critical" if is_critical else _SEVERITIES[finding.severity],
        "location": {"path": told.path, "lines": {"begin": finding.line}},
    }


def _unique(told: Told) -> str:
    """GitLab looks at the fingerprint alone, and two files may hold the same rule."""
    digits: str = lazy("hashlib").sha256(f"{told.path}\0{told.fingerprint}".encode(errors="replace")).hexdigest()
    return digits[:32]
