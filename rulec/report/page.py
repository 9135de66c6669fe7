"""The page of a check: why it is there, what it says of an example, and what it would do about it."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Sequence
from difflib import unified_diff

from rulec.diagnostics import Finding, Fix
from rulec.lint.check import Check, Example
from rulec.report import text


def page(check: Check, findings: Sequence[Finding] = ()) -> str:
    """The page as text, with what is found in the bad example."""
    blocks = [f"{check.slug} ({check.severity.value}, group {check.group})", inspect.cleandoc(check.why)]
    blocks += [_OPTIONS.format(check.slug), "\n".join(_options(check))] if check.options else []
    for title, _, lines in _parts(check.example, findings):
        blocks += [title, "\n".join(f"    {line}".rstrip() for line in lines)]
    return "\n\n".join(blocks)


def markdown(check: Check, findings: Sequence[Finding] = ()) -> str:
    """The page as Markdown, without a heading."""
    blocks = [f"{check.severity.value}: {check.summary}", inspect.cleandoc(check.why)]
    blocks += [_OPTIONS.format(check.slug), "\n".join(_options(check))] if check.options else []
    for title, language, lines in _parts(check.example, findings):
        blocks += [title, "\n".join([f"```{language}", *lines, "```"])]
    return "\n\n".join(blocks)


_OPTIONS = "Options in rulec.toml, under `[lint.checks.{}]`:"


def _options(check: Check) -> Iterator[str]:
    return (f"- `{name}`: {key.summary}" for name, key in check.options.items())


def _parts(example: Example, findings: Sequence[Finding]) -> Iterator[tuple[str, str, list[str]]]:
    """What is shown: a title, the language, the lines."""
    yield f"It speaks of{example.where}", "", _lines(example.bad)
    if example.beside:
        yield "beside", "", _lines(example.beside)
    if findings:
        yield "and says", "", list(text.full(findings))[:-1]
    fixes = [finding.fix for finding in findings if finding.fix is not None]
    if fixes:
        safety = " and ".join(sorted({fix.safety.value for fix in fixes}))
        yield f"The fix is {safety}:", "diff", list(_changes(example.bad, fixes))
    yield "It has nothing to say of", "", _lines(example.good)


def _lines(words: str) -> list[str]:
    return words.rstrip("\n").split("\n")


def _changes(old: str, fixes: Iterable[Fix]) -> Iterator[str]:
    """The lines that fixes take away and put in their place."""
    new = old
    for edit in sorted({edit for fix in fixes for edit in fix.edits}, reverse=True):
        new = new[: edit.span.start] + edit.text + new[edit.span.end :]
    changed = unified_diff(old.split("\n"), new.split("\n"), n=0, lineterm="")
    next(changed, None), next(changed, None)  # the names of the files
    return (f"{line[0]} {line[1:]}".rstrip() for line in changed if not line.startswith("@@"))
