"""Lark as the parser of one line: every verdict on form, and every message about it, comes from here.

Words come classed from the scanner, through Lark's interface for a lexer of
one's own, which sees the parser's state and so knows which argument may come.
Importing Lark and building the grammar takes about a tenth of a second, so this
module is loaded only when a line needs it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from lark import Lark, Token, UnexpectedToken
from lark.lexer import Lexer

from rulec.syntax.grammar import STARTS, ItemSource, Rejected, Wanted
from rulec.syntax.items import Item


class _Feed:
    """What goes through Lark in place of a text: where items come from, and those that came."""

    def __init__(self, source: ItemSource) -> None:
        self.source = source
        self.items: list[Item] = []


class _ItemLexer(Lexer):
    """Gives a token for each item, asking the parser's state what may come."""

    __future_interface__ = 2

    def __init__(self, lexer_conf: Any) -> None:
        self._fits = {name: re.compile(pattern).fullmatch for name, pattern in _patterns(lexer_conf.terminals).items()}
        self._wanted: dict[Any, Wanted | None] = {}

    def lex(self, lexer_state: Any, parser_state: Any) -> Iterator[Token]:
        """Tokens for Lark; each is also noted in the feed."""

        def wanted() -> Wanted | None:
            state = parser_state.position
            if state not in self._wanted:
                self._wanted[state] = self._admitted(parser_state.parse_conf.states[state])
            return self._wanted[state]

        for item in lexer_state.text.source(wanted):
            lexer_state.text.items.append(item)
            yield Token(item.token, item.text)

    def _admitted(self, actions: dict[str, Any]) -> Wanted | None:
        terminals = [name for name in actions if name in self._fits]
        if not terminals:
            return None
        (terminal,) = terminals
        return Wanted(terminal, self._fits[terminal], must=len(actions) == 1)


@cache
def build(grammar: str) -> Lark:
    """Lark's parser of a grammar."""
    return Lark(grammar, parser="lalr", lexer=_ItemLexer, start=list(STARTS))


def _patterns(terminals: Any) -> dict[str, str]:
    return {terminal.name: terminal.pattern.to_regexp() for terminal in terminals if terminal.pattern is not None}


def patterns(grammar: str) -> dict[str, str]:
    """The regular expression of each argument terminal."""
    return _patterns(build(grammar).terminals)


def parse(grammar: str, start: str, source: ItemSource) -> tuple[list[Item], Rejected | None]:
    """The items of one line as far as Lark takes them, and the one that it does not take."""
    feed = _Feed(source)
    try:
        build(grammar).parse(feed, start=start)
    except UnexpectedToken as error:
        expected = tuple(sorted(name for name in error.expected if name.isupper()))
        if error.token.type == "$END":
            return feed.items, Rejected(None, expected)
        return feed.items[:-1], Rejected(feed.items[-1], expected)
    return feed.items, None
