"""What lint found, in the forms that people and other programs read.

Each form is a module with ``lines(log)``.  No form decides anything: the exit
code is the same whichever is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.report.formats.log import Log
from rulec.report.paint import Paint, plain
from rulec.resources import lazy

_MODULES = {
    "full": "full", "concise": "concise", "json": "json", "json-lines": "json_lines", "github": "github",
    "gitlab": "gitlab", "sarif": "sarif", "junit": "junit", "markdown": "markdown", "rdjson": "rdjson",
    "checkstyle": "checkstyle",
}  # fmt: skip

FORMATS = tuple(_MODULES)
"""The names of all forms."""


COLOURED = ("full", "concise")
"""Those that people read on a terminal."""


def render(log: Log, form: str, paint: Paint = plain) -> Iterator[str]:
    """The lines of a log in one of the forms."""
    module = lazy(f"rulec.report.formats.{_MODULES[form]}")
    lines: Iterator[str] = module.lines(log, paint) if form in COLOURED else module.lines(log)
    return lines
