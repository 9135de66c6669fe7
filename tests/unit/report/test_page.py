"""The page of a check."""

from __future__ import annotations

from rulec.diagnostics import Severity
from rulec.lint.check import Check, Example
from rulec.report.page import page

PAGE = """\
some-check (warning, group load)

Because.

It says why.

It speaks of

    *filter
    -A INPUT -j DROP
    COMMIT

and has nothing to say of

    *filter
    COMMIT"""


def test_page() -> None:
    example = Example(bad="*filter\n-A INPUT -j DROP\nCOMMIT\n", good="*filter\nCOMMIT\n")
    check = Check("some-check", "load", Severity.WARNING, "a summary", "Because.\n\nIt says why.\n", example)
    assert page(check) == PAGE
