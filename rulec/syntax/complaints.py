"""What the reader has to say, gathered while it reads."""

from __future__ import annotations

from rulec.diagnostics import Edit, Finding, Fix, Label, Severity
from rulec.source import Source, Span
from rulec.syntax import lines
from rulec.syntax.items import Problem
from rulec.syntax.values import FAILS_AT_COMMIT

MOST = 10_000


class Complaints:
    """The findings about one text; after the first ten thousand it is ``full``, and nobody would read more."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.full = False
        self._findings: list[Finding] = []

    def in_order(self) -> tuple[Finding, ...]:
        """The findings in the order of the text."""
        return tuple(sorted(self._findings, key=lambda finding: finding.place.span))

    def problem(self, problem: Problem, number: int) -> None:
        """Something wrong with a line, at its words or with all of it."""
        span = Span(problem.start, problem.end) if problem.end else self._line(number)
        if problem.slug in ("indented-comment", "trailing-comment"):
            span = Span(span.start, self._line(number).end)
        self._add(problem.slug, problem.message, span, problem.hint)

    def line(self, message: str, number: int) -> None:
        """Something wrong with a whole line."""
        self._add("syntax-error", message, self._line(number))

    def end(self, message: str, hint: str) -> None:
        """Something missing at the end."""
        end = len(self.source.text)
        self._add("syntax-error", message, Span(end, end), hint)

    def refused(self, message: str, number: int) -> None:
        """A line that the kernel refuses when its table is committed."""
        self._add("load-error", message, self._line(number), FAILS_AT_COMMIT)

    def warning(self, slug: str, message: str, span: Span) -> None:
        """Something that is no error."""
        self._append(Finding(slug, message, (Label(self.source, span),), Severity.WARNING))

    def reading_ends(self, number: int) -> None:
        """A line behind which iptables-restore reads nothing."""
        message = "iptables-restore ends here, says that all is well, and loads nothing of this table and what follows"
        self.warning("reading-ends", message, self._line(number))

    def _add(self, slug: str, message: str, span: Span, hint: str = "") -> None:
        if self.source.text.startswith("\r\n", span.end - 1):
            hint = lines.CRLF_HINT
        fix = fix_of_comment(slug, self.source, span)
        self._append(Finding(slug, message, (Label(self.source, span),), hint=hint, fix=fix))

    def _append(self, finding: Finding) -> None:
        self._findings.append(finding)
        if len(self._findings) == MOST and not self.full:
            self.full = True
            message = f"these were {MOST} findings: what follows is not read"
            self._findings.append(Finding("syntax-error", message, (Label(self.source, finding.place.span),)))

    def _line(self, number: int) -> Span:
        start = self.source.line_starts[number - 1]
        return Span(start, start + len(self.source.line(number)))


def fix_of_comment(slug: str, source: Source, span: Span) -> Fix | None:
    """The edit that puts a comment where it may stand: in the first column, or on a line above; None for all else."""
    line = source.position(span.start)[0]
    start = source.line_starts[line - 1]
    before, words = source.text[start : span.start], source.text[span.start : span.end].lstrip(" \t")
    if slug == "indented-comment":
        return Fix("begin in the first column", (Edit(Span(start, span.end), words),))
    if slug != "trailing-comment" or not words.startswith("#"):
        return None
    code = start + len(before.rstrip(" \t"))
    return Fix("put it on a line above", (Edit(Span(start, start), f"{words}\n"), Edit(Span(code, span.end), "")))
