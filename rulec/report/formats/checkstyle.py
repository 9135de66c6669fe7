"""The XML of Checkstyle, which many tools read."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.report.formats import xml
from rulec.report.formats.log import Log, remarks, source_of

_SEVERITIES = {"error": "error", "warning": "warning", "note": "info"}


def lines(log: Log) -> Iterator[str]:
    """The document."""
    root = xml.element(None, "checkstyle", version="4.3")
    for report in log.reports:
        file = xml.element(root, "file", name=source_of(report).name)
        for finding in report.findings:
            xml.element(
                file,
                "error",
                line=str(finding.line),
                column=str(finding.column),
                severity=_SEVERITIES[finding.severity.value],
                message="\n".join([finding.message, *remarks(finding)]),
                source=f"rulec.{finding.slug}",
            )
    return xml.document(root)
