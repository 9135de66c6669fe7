"""One JSON object a finding, a line each."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.report import json
from rulec.report.formats.json import diagnostic
from rulec.report.formats.log import Log


def lines(log: Log) -> Iterator[str]:
    """The findings, each as it stands in ``diagnostics`` of the form json."""
    for told in log.shown:
        yield json.dumped({"schema_version": json.SCHEMA_VERSION, **diagnostic(told)}, indent=None)
