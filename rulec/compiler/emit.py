"""Changes applied to the text of a ruleset, line for line; what is not touched stays byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from rulec.compiler.outcome import Declined, Plan
from rulec.errors import RulecError
from rulec.model import Rule
from rulec.source import Source
from rulec.syntax.reader import read
from rulec.syntax.ruleset import Ruleset, line_of
from rulec.syntax.save import saved_on, saved_rule

_STATES = ("--state", "--ctstate")


class Draft(NamedTuple):
    """A ruleset on its way to another: as it is by now, and from which line of the first one each of its lines is.

    Lines that were added are of no line: 0.
    """

    ruleset: Ruleset
    origins: tuple[int, ...]

    def origin(self, line: int) -> int:
        """The line of the first ruleset."""
        return self.origins[line - 1] if 0 < line <= len(self.origins) else 0


def draft(ruleset: Ruleset) -> Draft:
    """A ruleset in which nothing has changed yet."""
    return Draft(ruleset, tuple(range(1, ruleset.source.text.count("\n") + 2)))


def applied(old: Draft, plan: Plan) -> Draft:
    """The ruleset with all changes of a plan, read anew."""
    ruleset = old.ruleset
    lines = list(zip(ruleset.source.text.split("\n"), old.origins, strict=True))
    for number in plan.widened:
        lines[number - 1] = _with_states(ruleset, number, _widened), old.origin(number)
    for number in plan.narrowed:
        lines[number - 1] = _with_states(ruleset, number, _narrowed), old.origin(number)
    texts = [line for line, _ in lines]
    edits = [(_declared_at(ruleset, table), [f":{name} - [0:0]"]) for table, name in plan.declared]
    for added in plan.added:
        _check_order(old, added.line)
        edits.append((_above_comments(texts, added.line - 1), _text(added.told, added.rules, ruleset)))
    for place, _, new in sorted(((place, at, new) for at, (place, new) in enumerate(edits)), reverse=True):
        lines[place:place] = [(text, 0) for text in new]
    return _read(ruleset, lines)


def _declared_at(ruleset: Ruleset, table: str) -> int:
    """Behind which line new chains of a table stand."""
    last = max(chain.line for chain in ruleset.tables[table].chains.values())
    return max(last, ruleset.tables[table].line)


def _text(told: str, rules: Iterable[str | Rule], ruleset: Ruleset) -> list[str]:
    shown = [rule if isinstance(rule, str) else saved_rule(rule, ruleset.family) for rule in rules]
    return [f"# {told}", *shown] if told else shown


def _read(ruleset: Ruleset, lines: list[tuple[str, int]]) -> Draft:
    text = "\n".join(line for line, _ in lines)
    result = read(Source(ruleset.source.name, text), ruleset.dialect)
    if not result.valid:
        raise RulecError(f"the compiled ruleset would not load: {result.findings[0]}")
    result.share_rules(ruleset)
    return Draft(result, tuple(origin for _, origin in lines))


def _check_order(old: Draft, number: int) -> None:
    """In a chain that is not put together from top to bottom a new line would stand elsewhere than it seems."""
    ruleset = old.ruleset
    for table in ruleset.tables.values():
        for chain in table.chains.values():
            lines = [line_of(reference) for reference in chain.references]
            if number in lines and lines != sorted(lines):
                raise Declined(
                    "the lines of this chain are not in the order of its rules, so no rule can be put in front of this",
                    old.origin(number),
                    "load the file and save it anew",
                )


def _above_comments(lines: list[str], index: int) -> int:
    """The first of the comment lines that stand right above a line, so that they keep their rule."""
    while lines[index - 1].startswith("#"):
        index -= 1
    return index


def _with_states(ruleset: Ruleset, number: int, change: Callable[[str], str]) -> str:
    """The line with its list of states changed."""
    line = ruleset.parse_line(number)
    start = ruleset.source.line_starts[number - 1]
    text = ruleset.source.line(number)
    for plan in line.plans:
        if plan.option.name in _STATES:
            word = line.arguments[plan.arguments[0]]
            return f"{text[: word.start - start]}{change(word.text)}{text[word.end - start :]}"
    raise AssertionError("the rule has a state")


def _widened(states: str) -> str:
    return f"{states},UNTRACKED"


def _narrowed(states: str) -> str:
    return ",".join(state for state in states.split(",") if state.upper() != "UNTRACKED")


# ── the raw table ──


def with_raw(old: Draft, groups: list[tuple[str, tuple[str, ...]]]) -> Draft:
    """The raw rules in front of all others of theirs, and the table behind all others.

    Filter rules that take UNTRACKED must be loaded first: else packets are lost
    while the file is loaded (measured: 26 of 682 with a filter of 4,000 rules).
    """
    present = _present(old.ruleset)
    new = [(told, tuple(rule for rule in rules if rule not in present)) for told, rules in groups]
    text = [line for told, rules in new if rules for line in (f"# {told}", *rules)]
    if not text:
        return old
    lines = list(zip(old.ruleset.source.text.split("\n"), old.origins, strict=True))
    table = old.ruleset.tables.get("raw")
    while lines and not lines[-1][0]:
        lines.pop()
    if table is None:
        head = ["*raw", ":PREROUTING ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]"]
        block = [(line, 0) for line in [*head, *text, "COMMIT"]]
    else:
        lines, block = _taken_out(lines, table.line)
        end = next(index for index, (line, _) in enumerate(block) if line.strip() == "COMMIT")
        first = next((index for index, (line, _) in enumerate(block) if _is_rule(line)), end)
        first = _above_comments([line for line, _ in block], first)
        block[first:first] = [(line, 0) for line in text]
    return _read(old.ruleset, [*lines, *block, ("", 0)])


def _is_rule(line: str) -> bool:
    return line.lstrip().startswith(("-", "["))


def _present(ruleset: Ruleset) -> frozenset[str]:
    table = ruleset.tables.get("raw")
    return frozenset[str]().union(*(saved_on(ruleset, line) for line in table.lines())) if table else frozenset()


def _taken_out(lines: list[tuple[str, int]], number: int) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """A table taken out of a text, with the comments right around it; and what is left.

    Above the first table of a text stands what is said of all of it, unless
    iptables-save has written it.
    """
    first = number - 1
    last = next(index for index in range(first, len(lines)) if lines[index][0].strip() == "COMMIT")
    told = "#" if any(line.startswith("*") for line, _ in lines[:first]) else "# Generated"
    while first and lines[first - 1][0].startswith(told) and not lines[first - 1][0].startswith("# Completed"):
        first -= 1
    end = last + 1
    if end < len(lines) and lines[end][0].startswith("# Completed"):
        end += 1
    return [*lines[:first], *lines[end:]], lines[first:end]
