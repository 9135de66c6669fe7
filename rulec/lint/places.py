"""Where findings about rules and chains stand, and the edit that deletes rules."""

from __future__ import annotations

from collections.abc import Iterable

from rulec import catalogue
from rulec.analysis.facts import Facts
from rulec.catalogue.extension import Answer
from rulec.diagnostics import Edit, Fix, Label
from rulec.model import Rule
from rulec.source import Source, Span


def line_label(source: Source, line: int, text: str = "") -> Label:
    """A whole line, without the blanks around it; the first one where there is none."""
    line = max(line, 1)
    start, words = source.line_starts[line - 1], source.line(line)
    blanks = len(words) - len(words.lstrip())
    return Label(source, Span(start + blanks, start + max(len(words.rstrip()), blanks)), text)


def chain_label(facts: Facts, table: str, line: int, text: str = "") -> Label:
    """Where a chain is declared, or its table where it is not."""
    return line_label(facts.ruleset.source, line or facts.ruleset.tables[table].line, text)


def labels(facts: Facts, line: int, others: Iterable[int], text: str) -> tuple[Label, ...]:
    """A rule, and others that take part."""
    source = facts.ruleset.source
    return (line_label(source, line), *(line_label(source, other, text) for other in others))


def deletion(facts: Facts, lines: Iterable[int], title: str = "delete the rule") -> Fix | None:
    """The edit that deletes the rules of some lines; None where more than the rules would be gone."""
    lines = tuple(lines)
    return without_lines(facts, lines, title) if all(_may_go(facts, line) for line in lines) else None


def without_lines(facts: Facts, lines: Iterable[int], title: str) -> Fix | None:
    """The edit that takes whole lines out; None where commands count the rules."""
    source = facts.ruleset.source
    if not facts.only_appends:
        return None
    starts = [(source.line_starts[line - 1], len(source.text_of_line(line))) for line in lines]
    return Fix(title, tuple(Edit(Span(start, start + length), "") for start, length in starts))


def _may_go(facts: Facts, line: int) -> bool:
    """Whether its rules do nothing but decide.

    The first rule that switches tracking on keeps it on: without the last one of
    them no packet would be in any state.
    """
    if facts.tracking.lines[:1] == (line,):
        return False
    return all(map(_only_decides, facts.ruleset.rules_on(line)))


def _only_decides(rule: Rule) -> bool:
    target = rule.target
    if target is None or (target.extends and target.name != "REJECT"):
        return False
    extensions = [(match.name, catalogue.match(match.name)) for match in rule.matches]
    return all(
        extension is not None and extension.answer is Answer.PURE and name not in ("socket", "set")
        for name, extension in extensions
    )
