"""For a person: every finding with the line that it speaks of, and what is to be said of each file."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.report import text
from rulec.report.closing import closing
from rulec.report.formats.log import Log
from rulec.report.paint import Paint, plain


def lines(log: Log, paint: Paint = plain) -> Iterator[str]:
    """The findings, then the closing verdicts."""
    yield from text.full(log.findings, paint)
    if not log.quiet:
        yield from closing(log.reports)
