"""Findings as text for a person: the place, the line, carets, and what else takes part.

The layout follows that of compilers; see docs for an example.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from unicodedata import combining, east_asian_width

from rulec.diagnostics import Finding, Label

_WIDEST = 160


def full(findings: Iterable[Finding]) -> Iterator[str]:
    """Each finding with the line it speaks of, a blank line behind it."""
    for finding in findings:
        yield from _headed(finding)
        yield ""


def concise(findings: Iterable[Finding]) -> Iterator[str]:
    """One line a finding: ``file:line:column: severity[slug]: message``."""
    for finding in findings:
        yield printable(str(finding))


def _headed(finding: Finding) -> Iterator[str]:
    place = finding.place
    yield printable(str(finding))
    width = max(len(str(label.line)) for label in finding.labels)
    yield f"{'':{width}} |"
    yield from _excerpt(place, width)
    for label in finding.labels[1:]:
        yield f"{'':{width}} ::: {printable(label.source.name)}:{label.line}"
        yield from _excerpt(label, width)
    for title, text in (("witness", finding.witness), ("help", finding.hint)):
        if text:
            yield f"{'':{width}} = {title}: {printable(text)}"
    if finding.fix is not None:
        yield f"{'':{width}} = fix: {printable(finding.fix.title)} ({finding.fix.safety.value})"


def _excerpt(label: Label, width: int) -> Iterator[str]:
    """The line of a label with carets under its words, cut where it is too long for a screen."""
    line = label.source.line(label.line)
    first = label.column - 1
    last = max(first + 1, min(first + label.span.end - label.span.start, len(line)))
    begin = max(0, first - _WIDEST // 2) if len(line) > _WIDEST else 0
    shown = line[begin : begin + _WIDEST]
    carets = "^" * max(1, sum(map(_columns, line[first : min(last, begin + _WIDEST)])))
    pad = "".join("\t" if character == "\t" else " " * _columns(character) for character in line[begin:first])
    yield f"{label.line:{width}} | {'…' * bool(begin)}{printable(shown)}{'…' * (len(line) > begin + _WIDEST)}".rstrip()
    yield f"{'':{width}} | {' ' * bool(begin)}{pad}{carets} {printable(label.text)}".rstrip()


def _columns(character: str) -> int:
    """How many columns of a terminal a character takes: none, one or two."""
    if character.isascii():
        return 1
    return 0 if combining(character) else 1 + (east_asian_width(character) in ("W", "F"))


def printable(text: str) -> str:
    """Text without characters that would steer a terminal; each becomes one visible character."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character == "\t" else "\N{REPLACEMENT CHARACTER}" for character in text
    )
