"""Rulesets with arguments that iptables-restore refuses, such as dumps whose MAC addresses were blotted out.

They can be compared all the same: whether such a match holds is taken as
unknown, and as the same in both files where it reads the same.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from rulec.diagnostics import Severity
from rulec.semantics.opaque import UNREADABLE
from rulec.source import Source
from rulec.syntax.reader import read
from rulec.syntax.ruleset import Ruleset

_MATCH = re.compile(r"(?<= -m )\S+")
_BLOTTED = re.compile(r"(?<= -m )(?=mac (?:! )?--mac-source (?:XX:){5}XX(?:\s|$))")
"""Where the match stands of a MAC address that was blotted out in the usual way."""


def without_blots(text: str) -> tuple[str, tuple[str, ...]]:
    """The text of a ruleset with blotted MAC addresses taken as unknown, and the names that this makes opaque.

    Thousands of them are not worth an error each.
    """
    marked = _BLOTTED.sub(UNREADABLE, text)
    return marked, () if marked == text else (f"{UNREADABLE}mac",)


def readable(ruleset: Ruleset) -> tuple[Ruleset, tuple[int, ...]]:
    """The ruleset with such matches taken as unknown, and their lines; itself where that does not help."""
    marks = _places(ruleset)
    if not marks:
        return ruleset, tuple(sorted(_marked(ruleset)))
    lines = ruleset.source.text.split("\n")
    names = set()
    for number, places in marks.items():
        for start in sorted(places, reverse=True):
            line = lines[number - 1]
            lines[number - 1] = line[:start] + UNREADABLE + line[start:]
            names.add(UNREADABLE + line[start:].split(" ", 1)[0])
    dialect = ruleset.dialect._replace(opaque=ruleset.dialect.opaque | names)
    again = read(Source(ruleset.source.name, "\n".join(lines)), dialect)
    return (again, tuple(sorted({*marks, *_marked(ruleset)}))) if again.valid else (ruleset, ())


def _marked(ruleset: Ruleset) -> Iterator[int]:
    """The lines that were marked before they were read."""
    if UNREADABLE in ruleset.source.text:
        lines = ruleset.source.text.split("\n")
        yield from (number for number, line in enumerate(lines, 1) if f" -m {UNREADABLE}" in line)


def _places(ruleset: Ruleset) -> dict[int, set[int]]:
    """Where the names of the matches stand that hold an error, by line."""
    errors = [finding for finding in ruleset.findings if finding.severity is Severity.ERROR]
    found: dict[int, set[int]] = defaultdict(set)
    for finding in errors:
        number, column = finding.place.line, finding.place.column - 1
        before = list(_MATCH.finditer(ruleset.source.line(number)[:column]))
        if before:
            found[number].add(before[-1].start())
    return found
