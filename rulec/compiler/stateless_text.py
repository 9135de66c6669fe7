"""The text of a ruleset without its questions for states: what goes, what comes instead, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rulec.compiler.emit import Draft
from rulec.compiler.outcome import Added, Declined
from rulec.errors import RulecError
from rulec.model import Family, Rule
from rulec.source import Source
from rulec.syntax.reader import read
from rulec.syntax.ruleset import Ruleset, line_of
from rulec.syntax.save import saved_rule

WHOLE = "-A PREROUTING -p 253 -m socket"
"""A rule that no packet matches, and for which the kernel puts fragments together (measured)."""

_TOLD = "without tracking, fragments are put together only as long as some rule has -m socket"


class Edits(NamedTuple):
    """What becomes of lines: other rules instead, or rules in front of them."""

    replaced: dict[int, tuple[str, ...]]
    added: list[Added]
    is_whole: bool = False

    @property
    def taken_out(self) -> frozenset[int]:
        """The lines for which nothing stands any more."""
        return frozenset(line for line, texts in self.replaced.items() if not texts)


def edited(ruleset: Ruleset, edits: Edits) -> Draft:
    """The ruleset with these edits, read anew."""
    lines = [pair for line in range(1, ruleset.source.text.count("\n") + 2) for pair in _line(ruleset, edits, line)]
    if edits.is_whole:
        lines = _with_mangle(ruleset, lines)
    text = "\n".join(line for line, _ in lines)
    result = read(Source(ruleset.source.name, text), ruleset.dialect)
    if not result.valid:
        raise RulecError(f"the compiled ruleset would not load: {result.findings[0]}")
    return Draft(result, tuple(origin for _, origin in lines))


def _line(ruleset: Ruleset, edits: Edits, number: int) -> Iterator[tuple[str, int]]:
    for added in edits.added:
        if added.line == number:
            _check_order(ruleset, number)
            if added.told:
                yield f"# {added.told}", 0
            yield from ((_text(rule, ruleset.family), 0) for rule in added.rules)
    for text in edits.replaced.get(number, (ruleset.source.line(number),)):
        yield text, number


def _text(rule: str | Rule, family: Family) -> str:
    return rule if isinstance(rule, str) else saved_rule(rule, family)


def _check_order(ruleset: Ruleset, number: int) -> None:
    """In a chain that is not put together from top to bottom a new line would stand elsewhere than it seems."""
    for table in ruleset.tables.values():
        for chain in table.chains.values():
            lines = [line_of(reference) for reference in chain.references]
            if number in lines and lines != sorted(lines):
                raise Declined(
                    "the lines of this chain are not in the order of its rules, so no rule can be put in front of this",
                    number,
                    "load the file and save it anew",
                )


def _with_mangle(ruleset: Ruleset, lines: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """The rule that has fragments put together, first in PREROUTING of mangle; that table behind all others if new."""
    rule = [(f"# {_TOLD}", 0), (WHOLE, 0)]
    table = ruleset.tables.get("mangle")
    if table is None:
        while lines and not lines[-1][0]:
            lines = lines[:-1]
        return [*lines, ("*mangle", 0), (":PREROUTING ACCEPT [0:0]", 0), *rule, ("COMMIT", 0), ("", 0)]
    start = next(index for index, (_, origin) in enumerate(lines) if origin == table.line)
    first = next(index for index, (text, _) in enumerate(lines) if index > start and not text.startswith(("#", ":")))
    while lines[first - 1][0].startswith("#"):
        first -= 1
    return [*lines[:first], *rule, *lines[first:]]
