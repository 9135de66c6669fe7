"""One JSON object: the findings, those that are suppressed, and what is known of each file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rulec.report import json
from rulec.report.formats.log import Log, Told
from rulec.report.lint import summary


def lines(log: Log) -> Iterator[str]:
    """The document."""
    content = {
        **json.head(log.version),
        "diagnostics": [diagnostic(told) for told in log.shown],
        "suppressed": [diagnostic(told) for told in log.hidden],
        "undecided": log.undecided,
        "problems": list(log.problems),
        "summary": summary(log.reports),
    }
    yield json.dumped(content)


def diagnostic(told: Told) -> dict[str, Any]:
    """A finding, with its fingerprint and why it is suppressed."""
    content = {**json.finding(told.finding), "fingerprint": told.fingerprint}
    if told.hidden is not None:
        content["suppression"] = {"kind": told.hidden.kind, "reason": told.hidden.reason}
    return content
