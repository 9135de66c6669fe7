"""What a file says to rulec about findings: which of them somebody has looked at, and wants to hear no more of.

# rulec: ignore[open-to-world, shadowed-rule] until=2027-03-01 the bastion   (the next line)
# rulec: file-ignore[conntrack] an old host                                  (all of the file)
# rulec: disable[shadowed-rule] ... # rulec: enable[shadowed-rule]           (all between them)
-A INPUT -m comment --comment "rulec:ignore=open-to-world the bastion" ...   (the rule itself)
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise

from rulec.diagnostics import Finding, Label, Severity
from rulec.diagnostics.suggest import suggestion
from rulec.lint.suppression import Comments, Name, Suppression, is_dump
from rulec.source import Source, Span
from rulec.syntax.words import split

KEYWORDS = ("ignore", "file-ignore", "disable", "enable")
END = 1 << 60

_COMMENT = re.compile(r"^#[ \t]*rulec[ \t]*:[^\n]*", re.MULTILINE)
_FORM = re.compile(r"# ?rulec: (?P<keyword>[a-z-]+)\[(?P<names>[^\]]*)\](?P<rest>[ \t].*|)")
_MARKER = re.compile(r"^[^#\n][^\n]*rulec:ignore=[^\n]*", re.MULTILINE)
_IN_RULE = re.compile(r"rulec:ignore=(?P<names>[^\s\"]+)(?P<rest>[^\"]*)")
_REST = re.compile(r"(?:until=(?P<until>\S*))?\s*(?P<reason>.*)")
_DATE = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])")
_NAME = re.compile(r"[^,\s][^,]*")


def read(source: Source, markers: bool | None = None) -> Comments:
    """The suppressions of a text; ``markers``: whether those in rules count, None for where iptables-save wrote it."""
    if "rulec" not in source.text:
        return Comments()
    reader = _Reader(source)
    written = [*reader.comments(), *reader.markers(is_dump(source) if markers is None else markers)]
    placed = [found for each in written if each.keyword != "enable" for found in reader.placed(each, written)]
    reader.unmatched(written, placed)
    order = ("ignore", "in-rule", "disable", "file-ignore")
    placed.sort(key=lambda each: (order.index(each.keyword), each.line))
    return Comments(tuple(placed), tuple(reader.findings))


class _Reader:
    """Goes through the text once for comments, and gathers what is wrong with them."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.findings: list[Finding] = []

    def comments(self) -> Iterator[Suppression]:
        """The comments that speak to rulec, in order."""
        for found in _COMMENT.finditer(self.source.text):
            words = found[0].rstrip("\r \t")
            span = Span(found.start(), found.start() + len(words))
            form = _FORM.fullmatch(words)
            if form is None:
                self._say(span, _malformed(words))
            elif form["keyword"] == "opaque":
                continue
            elif form["keyword"] not in KEYWORDS:
                known = (*KEYWORDS, "opaque")
                self._say(span, f"rulec knows no {form['keyword']!r} in a comment{suggestion(form['keyword'], known)}")
            else:
                yield from self._suppression(form["keyword"], form, span)

    def markers(self, counts: bool) -> Iterator[Suppression]:
        """The suppressions in the comments of rules, where these count."""
        for found in _MARKER.finditer(self.source.text):
            words = split(found[0], found.start())
            for before, word in pairwise(words):
                form = _IN_RULE.fullmatch(word.text)
                if form is None or not before.text.startswith("--c"):
                    continue
                if counts:
                    yield from self._suppression("in-rule", form, Span(word.start, word.end))
                else:
                    self._say(Span(word.start, word.end), _NO_DUMP)

    def _suppression(self, keyword: str, form: re.Match[str], span: Span) -> Iterator[Suppression]:
        rest = _REST.fullmatch(form["rest"].strip())
        names = tuple(self._names(form, span, keyword == "in-rule"))
        if not names:
            self._say(span, f"{keyword}[] names nothing: say which checks or groups")
        elif rest and rest["until"] is not None and not _is_date(rest["until"]):
            self._say(span, f"{rest['until']!r} is no date: say until=2027-03-01")
        elif rest:
            line = self.source.position(span.start)[0]
            yield Suppression(keyword, names, rest["until"] or "", rest["reason"].strip(), line, span)

    def _names(self, form: re.Match[str], span: Span, in_rule: bool) -> Iterator[Name]:
        for found in _NAME.finditer(form["names"]):
            start = span.start + form.start("names") + found.start()
            text = found[0].strip()
            yield Name(text, span if in_rule else Span(start, start + len(text)))

    def placed(self, each: Suppression, all_of_them: list[Suppression]) -> Iterator[Suppression]:
        """A suppression with the lines that it covers; none where it covers nothing, which is said."""
        if each.keyword == "in-rule":
            yield each._replace(first=each.line, last=each.line)
        elif each.keyword == "ignore":
            line = self._significant(each.line + 1)
            if line:
                yield each._replace(first=line, last=line)
            else:
                self._say(each.span, "no line follows that this could be about", "unmatched-suppression")
        elif each.keyword == "file-ignore":
            if self._significant(1) < each.line:
                self._say(each.span, "file-ignore stands before the first line that is no comment, so that it is seen")
            else:
                yield each._replace(first=1, last=END)
        else:
            yield from self._disabled(each, all_of_them)

    def _disabled(self, each: Suppression, all_of_them: list[Suppression]) -> Iterator[Suppression]:
        """One suppression for each name, up to the ``enable`` that names it too, within the table."""
        end = self._end_of_table(each.line)
        enables = [one for one in all_of_them if one.keyword == "enable" and each.line < one.line < end]
        for name in each.names:
            closing = (one.line for one in enables if name.text in (other.text for other in one.names))
            line = next(closing, 0)
            if not line:
                message = f"no enable[{name.text}] follows in this table"
                self._say(name.span, message, "unmatched-suppression")
            yield each._replace(names=(name,), first=each.line, last=line or end, ends=line)

    def unmatched(self, written: list[Suppression], placed: list[Suppression]) -> None:
        """Say of each ``enable`` that it closes nothing, if so."""
        closed = {(each.ends, name.text) for each in placed for name in each.names if each.ends}
        for each in written:
            for name in each.names if each.keyword == "enable" else ():
                if (each.line, name.text) not in closed:
                    self._say(name.span, f"no disable[{name.text}] stands open here", "unmatched-suppression")

    def _significant(self, number: int) -> int:
        """The first line from there on that is neither empty nor a comment; 0 where there is none."""
        for line in range(number, len(self.source.line_starts) + 1):
            text = self.source.line(line).strip()
            if text and text[0] != "#":
                return line
        return 0

    def _end_of_table(self, number: int) -> int:
        """The next COMMIT, or the end of the text."""
        return next(iter(self._commits[bisect(self._commits, number) :]), END)

    @cached_property
    def _commits(self) -> list[int]:
        found = re.finditer(r"(?m)^COMMIT", self.source.text)
        return [self.source.position(commit.start())[0] for commit in found]

    def _say(self, span: Span, message: str, slug: str = "invalid-suppression") -> None:
        self.findings.append(Finding(slug, message, (Label(self.source, span),), Severity.WARNING))


_NO_DUMP = 'rulec:ignore= in a rule counts in what iptables-save wrote, or with rule-markers = "always" in rulec.toml'


def _malformed(words: str) -> str:
    keyword = words.partition(":")[2].strip().partition(" ")[0]
    if keyword in (*KEYWORDS, "opaque"):
        return f"{keyword} without a list: say {keyword}[CHECK, ...]"
    if "[" in words and "]" not in words:
        return "the list is not closed: a ] is missing"
    return "this says nothing to rulec: such a comment is `# rulec: ignore[CHECK, ...] reason`"


def _is_date(text: str) -> bool:
    return bool(_DATE.fullmatch(text))
