"""Colours of a terminal (ECMA-48, Select Graphic Rendition), or none."""

from __future__ import annotations

from collections.abc import Callable

Paint = Callable[[str, str], str]
"""Given what some words are and the words, the words as they are to be printed."""

_CODES = {
    "error": "1;31", "warning": "1;33", "note": "1;36", "place": "1", "message": "1", "gutter": "94", "title": "1",
    "fix": "32", "added": "32", "deleted": "31",
}  # fmt: skip


def plain(kind: str, words: str) -> str:
    """No colours."""
    return words


def coloured(kind: str, words: str) -> str:
    """The words in the colour of their kind."""
    return f"\x1b[{_CODES[kind]}m{words}\x1b[0m" if words else words
