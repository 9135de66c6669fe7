"""A difference as Markdown, for a comment on a pull request: a list of flows, each of which opens to its witness."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

from rulec.report.text import printable


class Section(NamedTuple):
    """One flow: what it is, and what supports it."""

    title: str
    lines: tuple[str, ...]


def page(closing: str, heads: Sequence[str], sections: Sequence[Section]) -> Iterator[str]:
    """The closing line first, since a reader may go no further.

    What comes from the rulesets stands where nothing in it is markup: escaped in
    ``<code>``, or in a block of code, whose fence is longer than any in it.
    """
    yield f"**rulec diff:** <code>{plain(closing)}</code>"
    if heads:
        yield ""
        yield from _block(heads)
    for section in sections:
        yield ""
        if section.lines:
            yield f"<details><summary><code>{plain(section.title)}</code></summary>"
            yield ""
            yield from _block(section.lines)
            yield ""
            yield "</details>"
        else:
            yield f"<code>{plain(section.title)}</code>"


def plain(text: str) -> str:
    """Text without a meaning in HTML or in Markdown."""
    found = escape(printable(text))
    return "".join(f"&#{ord(character)};" if character in "*_`[]~|\\@#:" else character for character in found)


def _block(lines: Sequence[str]) -> Iterator[str]:
    shown = [printable(line) for line in lines]
    fence = "```"
    while any(fence in line for line in shown):
        fence += "`"
    yield fence
    yield from shown
    yield fence
