"""One line a finding: what problem matchers and editors read."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.report import text
from rulec.report.formats.log import Log
from rulec.report.paint import Paint, plain


def lines(log: Log, paint: Paint = plain) -> Iterator[str]:
    """``file:line:column: severity[slug]: message``."""
    return text.concise(log.findings, paint)
