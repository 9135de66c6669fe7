"""The parse tables of the grammar at work, without Lark.

Lark makes the tables; this runs them, as any LALR(1) parser does, and only ever
says yes or no: a line that it does not take goes to Lark, which finds the words
for it.  The tables are kept as a module; when the grammar has changed since
(its digest differs) Lark builds them anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import NamedTuple
from zlib import crc32

from rulec.resources import lazy
from rulec.syntax import grammar
from rulec.syntax.grammar import ItemSource, Wanted
from rulec.syntax.items import Item


class Tables(NamedTuple):
    """LALR(1) tables: a state maps tokens to states, or to ``-1 - rule`` for a reduction."""

    digest: str
    starts: dict[str, int]
    ends: dict[str, int]
    rules: tuple[tuple[str, int], ...]
    patterns: dict[str, str]
    states: tuple[dict[str, int], ...]


def digest(text: str) -> str:
    """What tells a grammar from one that was edited since."""
    return f"{len(text)}-{crc32(text.encode()):08x}"


@cache
def tables(text: str) -> Tables:
    """The tables of a grammar: the kept ones if they are of this text, else new ones."""
    kept = lazy("rulec.syntax.tables")
    if digest(text) != kept.DIGEST:
        made: Tables = lazy("rulec.syntax.generate").tables(text)
        return made
    states = []
    for parts in kept.STATES:
        row: dict[str, int] = {}
        for group, target in parts:
            row.update(dict.fromkeys(kept.GROUPS[group], target))
        states.append(row)
    return Tables(kept.DIGEST, kept.STARTS, kept.ENDS, kept.RULES, kept.PATTERNS, tuple(states))


class _Fits(dict[str, Callable[[str], object]]):
    """Whether a word is a terminal, each expression compiled when it is first asked for."""

    def __init__(self, patterns: dict[str, str]) -> None:
        super().__init__()
        self._patterns = patterns

    def __missing__(self, terminal: str) -> Callable[[str], object]:
        self[terminal] = re.compile(self._patterns[terminal]).fullmatch
        return self[terminal]


class Driver:
    """A parser that runs tables over the items of one line at a time."""

    def __init__(self, made: Tables) -> None:
        self._tables = made
        self.fits = _Fits(made.patterns)
        self._wanted: dict[int, Wanted | None] = {}
        self._stack: list[int] = []

    def parse(self, start: str, source: ItemSource) -> list[Item] | None:
        """The items of a line that the grammar takes, or None."""
        self._stack = [self._tables.starts[start]]
        items = []
        for item in source(self._ask):
            if not self._shift(item.token):
                return None
            items.append(item)
        return items if self._accepts(start) else None

    def _ask(self) -> Wanted | None:
        state = self._stack[-1]
        if state not in self._wanted:
            self._wanted[state] = self._argument(self._tables.states[state])
        return self._wanted[state]

    def _argument(self, row: dict[str, int]) -> Wanted | None:
        for token in row:
            if token in self._tables.patterns:
                return Wanted(token, self.fits[token], must=len(row) == 1)
        return None

    def _shift(self, token: str) -> bool:
        """Take a token, after all reductions that it asks for."""
        while True:
            action = self._tables.states[self._stack[-1]].get(token)
            if action is None:
                return False
            if action >= 0:
                self._stack.append(action)
                return True
            self._reduce(-1 - action)

    def _reduce(self, rule: int) -> None:
        symbol, size = self._tables.rules[rule]
        if size:
            del self._stack[-size:]
        self._stack.append(self._tables.states[self._stack[-1]][symbol])

    def _accepts(self, start: str) -> bool:
        while self._stack[-1] != self._tables.ends[start]:
            action = self._tables.states[self._stack[-1]].get("$END")
            if action is None or action >= 0:
                return False
            self._reduce(-1 - action)
        return True


@cache
def driver() -> Driver:
    """The driver of our own grammar."""
    return Driver(tables(grammar.text()))
