"""User chains that several hooks share, made one for each: answers leave by one hook, and come in by another.

A rule for answers in a chain that packets of both directions come to would let in
what it is to let out.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from rulec.compiler.emit import Draft, draft
from rulec.compiler.stateless_rules import asks_for_state
from rulec.model import BASE_CHAINS
from rulec.semantics.program import Program
from rulec.semantics.ruleset import Prepared
from rulec.source import Source
from rulec.syntax.items import Item
from rulec.syntax.reader import read
from rulec.syntax.ruleset import Ruleset, Table

_LONGEST = 28  # XT_EXTENSION_MAXNAMELEN, less its end


class _Shared(NamedTuple):
    """The chains of a table that are to be cloned, each with the hooks that packets come from."""

    table: Table
    hooks: dict[str, tuple[str, ...]]
    cloned: frozenset[str]


def cloned(ruleset: Ruleset) -> Draft | None:
    """The ruleset with a chain for each hook, where several share one that asks for states; None where none do."""
    prepared = Prepared(ruleset)
    lines = draft(ruleset)
    texts = dict(enumerate(ruleset.source.text.split("\n"), start=1))
    found: dict[int, list[str]] = {}
    for name, program in prepared.programs.items():
        shared = _shared(ruleset.tables[name], program)
        if shared.cloned:
            found.update(_edits(ruleset, shared))
    if not found:
        return None
    pairs = list(_in_blocks(ruleset, texts, found))
    result = read(Source(ruleset.source.name, "\n".join(text for text, _ in pairs)), ruleset.dialect)
    return Draft(result, tuple(lines.origin(line) for _, line in pairs)) if result.valid else None


def _in_blocks(ruleset: Ruleset, texts: dict[int, str], found: dict[int, list[str]]) -> Iterator[tuple[str, int]]:
    """The lines with those instead; where lines of one chain follow each other, clone after clone."""

    def chain(line: int) -> str:
        return ruleset.rules_on(line)[0].chain if line in ruleset.templates and line in found else f"line {line}"

    for _, run in groupby(texts, key=chain):
        block = [(line, found.get(line, [texts[line]])) for line in run]
        for clone in range(max(len(made) for _, made in block)):
            yield from ((made[clone], line) for line, made in block if clone < len(made))


def _shared(table: Table, program: Program) -> _Shared:
    hooks: dict[str, tuple[str, ...]] = dict.fromkeys(program.chains, ())
    for base in (name for name in table.builtin if name in program):
        for name in program.reached_from([base]):
            hooks[name] = (*hooks[name], base)
    asking = [name for name, chain in program.chains.items() if any(asks_for_state(step.rule) for step in chain.steps)]
    chosen = (name for name in program.with_callers(asking) if len(hooks[name]) > 1 and name not in BASE_CHAINS)
    return _Shared(table, hooks, frozenset(chosen))


def _edits(ruleset: Ruleset, shared: _Shared) -> Iterator[tuple[int, list[str]]]:
    """What stands instead of the lines that are about cloned chains."""
    for chain in shared.table.chains.values():
        if chain.name in shared.cloned and chain.line:
            text = ruleset.source.line(chain.line)
            names = (_named(chain.name, hook) for hook in shared.hooks[chain.name])
            yield chain.line, [text.replace(f":{chain.name}", f":{name}", 1) for name in names]
    for line in shared.table.lines():
        chain_name = ruleset.rules_on(line)[0].chain
        hooks = shared.hooks[chain_name] if chain_name in shared.cloned else (*shared.hooks[chain_name], "")[:1]
        texts = [_renamed(ruleset, shared, line, hook) for hook in hooks]
        if texts != [ruleset.source.line(line)]:
            yield line, texts


def _renamed(ruleset: Ruleset, shared: _Shared, number: int, hook: str) -> str:
    """A line in the clone for a hook, and to the clones for it; one that no packet comes to goes to the first ones."""
    line, start = ruleset.parse_line(number), ruleset.source.line_starts[number - 1]
    text = ruleset.source.line(number)
    items = [line.arguments[line.operands[0]]] + ([line.arguments[line.jump]] if line.jump is not None else [])
    for item in sorted(items, key=_start, reverse=True):
        if item.text in shared.cloned:
            name = _named(item.text, hook or shared.hooks[item.text][0])
            text = f"{text[: item.start - start]}{name}{text[item.end - start :]}"
    return text


def _start(item: Item) -> int:
    return item.start


def _named(chain: str, hook: str) -> str:
    return f"{chain[: _LONGEST - len(hook) - 1]}-{hook}"
