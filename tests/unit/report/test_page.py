"""The page of a check."""

from __future__ import annotations

from rulec.diagnostics import Edit, Finding, Fix, Label, Safety, Severity
from rulec.lint.check import Check, Example
from rulec.report.page import markdown, page
from rulec.source import Source, Span

PAGE = """\
some-check (warning, group load)

Because.

It says why.

It speaks of

    *filter
    -A INPUT -j DROP
    COMMIT

It has nothing to say of

    *filter
    COMMIT"""


EXAMPLE = Example(bad="*filter\n-A INPUT -j DROP\nCOMMIT\n", good="*filter\nCOMMIT\n")
CHECK = Check("some-check", "load", Severity.WARNING, "a summary", "Because.\n\nIt says why.\n", EXAMPLE)

SAYS = """\
and says

    rules:2:1: error[some-check]: never
      |
    2 | -A INPUT -j DROP
      | ^^^^^^^^^^^^^^^^
      = witness: tcp
      = fix: accept (unsafe)

The fix is unsafe:

    - -A INPUT -j DROP
    + -A INPUT -j ACCEPT

"""

MARKDOWN = """\
warning: a summary

Because.

It says why.

It speaks of

```
*filter
-A INPUT -j DROP
COMMIT
```

It has nothing to say of

```
*filter
COMMIT
```"""


def test_page() -> None:
    assert page(CHECK) == PAGE


def test_page_with_what_is_found() -> None:
    place = Label(Source("rules", EXAMPLE.bad), Span(8, 24))
    fix = Fix("accept", (Edit(Span(20, 24), "ACCEPT"),), Safety.UNSAFE)
    finding = Finding("some-check", "never", (place,), witness="tcp", fix=fix)
    assert page(CHECK, [finding]) == PAGE.replace("It has nothing", f"{SAYS}It has nothing")


def test_markdown() -> None:
    assert markdown(CHECK) == MARKDOWN
