"""Findings without those that are suppressed, and what is to be said of the suppressions themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rulec.diagnostics import Edit, Finding, Fix, Label, Severity, Suppressed
from rulec.diagnostics.suggest import suggestion
from rulec.lint.check import Check
from rulec.lint.handling import Handling, today
from rulec.lint.suppression import Comments, Name, Suppression, is_dump
from rulec.resources import lazy
from rulec.source import Source, Span

_OF_A_LINE = ("ignore", "in-rule")


class Sifted(NamedTuple):
    """The findings of a file: those to report, and those that a suppression covers."""

    findings: tuple[Finding, ...]
    suppressed: tuple[Suppressed, ...]


def is_refusal(finding: Finding, group: str) -> bool:
    """Whether iptables-restore or the kernel refuses the line, which nobody can suppress."""
    return finding.severity is Severity.ERROR and group in ("syntax", "load")


class Sieve:
    """The suppressions of one file, and which of them were of use.

    ``checks`` are all that there are, so that names are known.
    """

    def __init__(self, source: Source, handling: Handling, checks: Sequence[Check]) -> None:
        comments = Comments()
        if handling.ignores and "rulec" in source.text:
            comments = lazy("rulec.lint.suppressions").read(source, handling.markers)
        self.source = source
        self.handling = handling
        self.groups = {check.slug: check.group for check in checks}
        self.refusing = {check.slug for check in checks if _refuses(check)}
        self.malformed = comments.findings
        self.all = comments.suppressions
        self.used: set[tuple[Suppression, Name]] = set()
        self._on_line: dict[int, list[Suppression]] = {}
        for each in self.all:
            self._on_line.setdefault(each.first if each.keyword in _OF_A_LINE else 0, []).append(each)
        self._names: dict[str, set[str]] = {}
        self._today = today()

    @property
    def named(self) -> set[str]:
        """The checks that suppressions name, each or by its group."""
        return {slug for each in self.all for name in each.names for slug in self._slugs(name.text)}

    def sift(self, findings: Iterable[Finding]) -> Sifted:
        """Take out what is suppressed."""
        kept, suppressed = [], []
        for finding in findings:
            found = None if is_refusal(finding, self.groups[finding.slug]) else self._covering(finding)
            if found is None:
                kept.append(finding)
            else:
                self.used.add(found)
                suppressed.append(Suppressed(finding, "inSource", found[0].reason))
        return Sifted(tuple(kept), tuple(suppressed))

    def _covering(self, finding: Finding) -> tuple[Suppression, Name] | None:
        line = finding.line
        for each in (*self._on_line.get(line, ()), *self._on_line.get(0, ())):
            if each.first <= line <= each.last and not self._is_over(each):
                for name in each.names:
                    if finding.slug in self._slugs(name.text):
                        return each, name
        return None

    def _is_over(self, each: Suppression) -> bool:
        return bool(each.until) and each.until < self._today

    def _slugs(self, name: str) -> set[str]:
        """The checks that a name suppresses."""
        if name not in self._names:
            slugs = {slug for slug, group in self.groups.items() if name in (slug, group)}
            self._names[name] = slugs - self.handling.settled.keys() - self.refusing
        return self._names[name]

    # ── what is to be said of them ──

    def complaints(self, judged: Iterable[str], wanted: Iterable[str]) -> Iterator[Finding]:
        """The findings of the group suppression that are wanted; only checks that were judged can be unused."""
        wanted, judged = set(wanted), set(judged)
        found = [*self.malformed, *self._wrong(), *self._expired(), *self._lost(), *self._unused(judged)]
        return (finding for finding in dict.fromkeys(found) if finding.slug in wanted)

    def _wrong(self) -> Iterator[Finding]:
        known = (*self.groups, *dict.fromkeys(self.groups.values()))
        for each in self.all:
            for name in each.names:
                if name.text not in known:
                    message = f"there is no check or group {name.text!r}{suggestion(name.text, known)}"
                    yield self._finding("unknown-check-in-suppression", message, name.span)
                elif name.text in self.refusing:
                    message = f"{name.text} cannot be suppressed: the ruleset would not load"
                    yield self._finding("invalid-suppression", message, name.span)
                elif name.text in self.handling.settled:
                    message = f"{name.text} must not be suppressed in a file ({self.handling.settled[name.text]})"
                    yield self._finding("invalid-suppression", message, name.span)
            if self.handling.reasons and not each.reason:
                yield self._finding("invalid-suppression", "a suppression needs a reason here", each.span)

    def _expired(self) -> Iterator[Finding]:
        for each in dict.fromkeys(one._replace(names=(), ends=0, last=0) for one in self.all if self._is_over(one)):
            message = f"the suppression ended on {each.until}: look again, and delete it or give a later date"
            yield self._finding("expired-suppression", message, each.span)

    def _lost(self) -> Iterator[Finding]:
        comments = [each for each in self.all if each.keyword != "in-rule"]
        if comments and is_dump(self.source):
            message = "iptables-save wrote this file, and will write it without this comment the next time"
            yield self._finding("suppression-lost-on-save", message, comments[0].span, Severity.NOTE)

    def _unused(self, judged: set[str]) -> Iterator[Finding]:
        for each in self.all:
            unused = [name for name in each.names if self._is_unused(each, name, judged)]
            for name in unused:
                fix = self._without(each, unused)
                message = f"nothing here is reported as {name.text}, so this suppresses nothing"
                yield self._finding("unused-suppression", message, name.span)._replace(fix=fix)

    def _is_unused(self, each: Suppression, name: Name, judged: set[str]) -> bool:
        slugs = self._slugs(name.text)
        return bool(slugs) and slugs <= judged and not self._is_over(each) and (each, name) not in self.used

    def _without(self, each: Suppression, unused: list[Name]) -> Fix | None:
        """The edit that takes the names out, or the comment where nothing is left of it."""
        if each.keyword in ("in-rule", "disable"):
            return None
        kept = [name.text for name in each.names if name not in unused]
        if kept:
            names = Span(each.names[0].span.start, each.names[-1].span.end)
            return Fix("take it out of the list", (Edit(names, ", ".join(kept)),))
        start = self.source.line_starts[each.line - 1]
        return Fix("delete the comment", (Edit(Span(start, start + len(self.source.text_of_line(each.line))), ""),))

    def _finding(self, slug: str, message: str, span: Span, severity: Severity = Severity.WARNING) -> Finding:
        return Finding(slug, message, (Label(self.source, span),), severity)


def _refuses(check: Check) -> bool:
    return check.severity is Severity.ERROR and check.group in ("syntax", "load")
