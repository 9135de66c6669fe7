"""Changes applied to the text of a ruleset, line for line, and the result held against them."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.compiler.outcome import Plan
from rulec.errors import RulecError
from rulec.model import Match, Rule
from rulec.source import Source
from rulec.syntax.reader import read
from rulec.syntax.ruleset import Chain, Ruleset
from rulec.syntax.save import saved_on, saved_rule

_STATES = frozenset(("--state", "--ctstate"))


def apply(ruleset: Ruleset, plan: Plan) -> str:
    """The text with all changes of the plan; what is not touched stays byte for byte."""
    lines = ruleset.source.text.split("\n")
    for number in plan.widened:
        lines[number - 1] = _widened_line(ruleset, number)
    for number, rules in plan.inserted.items():
        place = _above_comments(lines, number - 1)
        lines[place] = "\n".join([*rules, lines[place]])
    text = "\n".join(lines)
    return _with_raw(ruleset, plan, text)


def _above_comments(lines: list[str], index: int) -> int:
    """The first of the comment lines that stand right above a line, so that they keep their rule."""
    while lines[index - 1].startswith("#"):
        index -= 1
    return index


def _widened_line(ruleset: Ruleset, number: int) -> str:
    """The line with UNTRACKED added to its list of states."""
    line = ruleset.parse_line(number)
    start = ruleset.source.line_starts[number - 1]
    text = ruleset.source.line(number)
    for plan in line.plans:
        if plan.option.name in _STATES:
            word = line.arguments[plan.arguments[0]]
            return f"{text[: word.start - start]}{word.text},UNTRACKED{text[word.end - start :]}"
    raise AssertionError("a widened rule has a state")


def _with_raw(ruleset: Ruleset, plan: Plan, text: str) -> str:
    """The raw rules as the last table: filter rules that take UNTRACKED must be loaded first."""
    table = ruleset.tables.get("raw")
    missing = [rule for rule in plan.raw if rule.startswith("#") or table is None or not _present(ruleset, rule)]
    if not any(rule.startswith("-A") for rule in missing):
        return text
    if table is None:
        head = ["*raw", ":PREROUTING ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]"]
        return "\n".join([text.rstrip("\n"), *head, *missing, "COMMIT", ""])
    return _moved_last(text, missing)


def _present(ruleset: Ruleset, rule: str) -> bool:
    table = ruleset.tables["raw"]
    return any(rule in saved_on(ruleset, line) for line in table.lines())


def _moved_last(text: str, rules: list[str]) -> str:
    """The raw table, which holds no rule, moved behind all others, with the new rules."""
    lines = text.rstrip("\n").split("\n")
    first = next(index for index, line in enumerate(lines) if line.startswith("*") and line[1:].split()[0] == "raw")
    last = lines.index("COMMIT", first)
    table = [*lines[first:last], *rules, "COMMIT"]
    return "\n".join([*lines[:first], *lines[last + 1 :], *table, ""])


def check_result(ruleset: Ruleset, plan: Plan, text: str) -> None:
    """Read the result anew: each chain must hold the old rules, changed as planned, and the planned new ones.

    Raises RulecError otherwise; then nothing may be written.
    """
    result = read(Source(ruleset.source.name, text), ruleset.dialect)
    if not result.valid:
        raise RulecError(f"the compiled ruleset would not load: {result.findings[0]}")
    for name, table in ruleset.tables.items():
        if name == "raw":
            continue
        for chain in table.chains.values():
            if list(_saved(result, result.tables[name].chains[chain.name])) != list(_expected(ruleset, chain, plan)):
                raise RulecError(f"the compiled chain {chain.name} is not as it was planned; nothing is written")
    for rule in plan.raw:
        if rule.startswith("-A") and not _present(result, rule):
            raise RulecError(f"the compiled raw table lacks {rule}; nothing is written")


def _saved(ruleset: Ruleset, chain: Chain) -> Iterator[str]:
    for placed in ruleset.rules(chain):
        yield saved_rule(placed.rule, ruleset.family)


def _expected(ruleset: Ruleset, chain: Chain, plan: Plan) -> Iterator[str]:
    before = 0
    for placed in ruleset.rules(chain):
        if placed.line != before:  # a line that lists addresses makes several rules
            yield from (rule for rule in plan.inserted.get(placed.line, ()) if rule.startswith("-A"))
        before = placed.line
        rule = widened(placed.rule) if placed.line in plan.widened else placed.rule
        yield saved_rule(rule, ruleset.family)


def widened(rule: Rule) -> Rule:
    """The rule with UNTRACKED among its states."""
    return rule._replace(matches=tuple(map(_widened_match, rule.matches)))


def _widened_match(match: Match) -> Match:
    uses = (use._replace(value=_with_untracked(use.value)) if use.option in _STATES else use for use in match.uses)
    return match._replace(uses=tuple(uses))


def _with_untracked(states: tuple[str, ...]) -> tuple[str, ...]:
    order = ("INVALID", "NEW", "RELATED", "ESTABLISHED", "UNTRACKED", "SNAT", "DNAT")
    return tuple(state for state in order if state in states or state == "UNTRACKED")
