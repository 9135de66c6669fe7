"""The grammar as text, and what a parser of it says of one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

from rulec import resources
from rulec.syntax.items import Item

FILES = ("tokens.lark", "values.lark", "line.lark")
STARTS = ("table", "chain", "commit", "command")


class Wanted(NamedTuple):
    """The argument that the parser admits now: its terminal, whether a word fits it, whether it must come."""

    terminal: str
    fits: Callable[[str], object]
    must: bool


ItemSource = Callable[[Callable[[], Wanted | None]], Iterator[Item]]
"""A scanner that waits to be told how to ask the parser what it wants."""


class Rejected(NamedTuple):
    """The word that the grammar does not admit (None at the end of the line), and what it would."""

    item: Item | None
    expected: tuple[str, ...]


@cache
def text() -> str:
    """The three files as one grammar."""
    return "\n".join(resources.text("grammar", name) for name in FILES)
