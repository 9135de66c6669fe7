"""Findings as text for a person: the place, the line, carets, and what else takes part.

The layout follows that of compilers; see docs for an example.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from unicodedata import combining, east_asian_width

from rulec.diagnostics import Finding, Label
from rulec.report.paint import Paint, plain

_WIDEST = 160


def full(findings: Iterable[Finding], paint: Paint = plain) -> Iterator[str]:
    """Each finding with the line it speaks of, a blank line behind it."""
    for finding in findings:
        yield from _headed(finding, paint)
        yield ""


def concise(findings: Iterable[Finding], paint: Paint = plain) -> Iterator[str]:
    """One line a finding: ``file:line:column: severity[slug]: message``."""
    for finding in findings:
        yield _head(finding, paint)


def _head(finding: Finding, paint: Paint) -> str:
    kind = finding.severity.value
    place = paint("place", printable(f"{finding.place.source.name}:{finding.line}:{finding.column}"))
    return f"{place}: {paint(kind, f'{kind}[{finding.slug}]')}: {paint('message', printable(finding.message))}"


def _headed(finding: Finding, paint: Paint) -> Iterator[str]:
    place = finding.place
    yield _head(finding, paint)
    width = max(len(str(label.line)) for label in finding.labels)
    blank = " " * width
    yield paint("gutter", f"{blank} |")
    yield from _excerpt(place, width, paint, finding.severity.value)
    for label in finding.labels[1:]:
        yield f"{paint('gutter', f'{blank} :::')} {printable(label.source.name)}:{label.line}"
        yield from _excerpt(label, width, paint, "gutter")
    for title, text in (("witness", finding.witness), ("help", finding.hint)):
        if text:
            yield f"{paint('gutter', f'{blank} =')} {paint('title', title)}: {printable(text)}"
    if finding.fix is not None:
        said = f"{printable(finding.fix.title)} ({finding.fix.safety.value})"
        yield f"{paint('gutter', f'{blank} =')} {paint('title', 'fix')}: {paint('fix', said)}"


def _excerpt(label: Label, width: int, paint: Paint, kind: str) -> Iterator[str]:
    """The line of a label with carets under its words, cut where it is too long for a screen."""
    line = label.source.line(label.line)
    first = label.column - 1
    last = max(first + 1, min(first + label.span.end - label.span.start, len(line)))
    begin = max(0, first - _WIDEST // 2) if len(line) > _WIDEST else 0
    shown = line[begin : begin + _WIDEST]
    carets = "^" * max(1, _columns(line[first : min(last, begin + _WIDEST)]))
    pad = "\t".join(" " * _columns(words) for words in line[begin:first].split("\t"))
    number, bar = (paint("gutter", f"{words:>{width}} |") for words in (str(label.line), ""))
    yield f"{number} {'…' * bool(begin)}{printable(shown)}{'…' * (len(line) > begin + _WIDEST)}".rstrip()
    yield f"{bar} {' ' * bool(begin)}{pad}{paint(kind, f'{carets} {printable(label.text)}'.rstrip())}"


def _columns(text: str) -> int:
    """How many columns of a terminal a text takes: none, one or two for each character."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(one) else 1 + (east_asian_width(one) in ("W", "F")) for one in text)


def printable(text: str) -> str:
    """Text without characters that would steer a terminal; each becomes one visible character."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character == "\t" else "\N{REPLACEMENT CHARACTER}" for character in text
    )
