"""Where keys and values stand in a TOML text, so that complaints name the place.

``tomllib`` reads the text and says nothing of places.  A text that it takes is gone
through once more here, and only cut: what the values mean is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from rulec.settings.kinds import Path
from rulec.source import Span

_GAP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_PART = re.compile(r"[ \t]*([A-Za-z0-9_-]+|\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*')[ \t]*")
_STRING = re.compile(r'"""(?:[^\\]|\\[\s\S])*?"{3,5}|\'\'\'[\s\S]*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'')
_BARE = re.compile(r"\d{4}-\d\d-\d\d \d\d[^,\]}\s#]*|[^,\]}\s#]+")


class Places(NamedTuple):
    """The places of keys and of values, by the path that leads to them; items of arrays have numbers."""

    keys: dict[Path, Span]
    values: dict[Path, Span]

    def key(self, path: Path) -> Span:
        """Where a key stands, or the nearest one that does."""
        return _nearest(self.keys, path)

    def value(self, path: Path) -> Span:
        """Where a value stands, or the nearest thing that does."""
        return self.values.get(path) or _nearest(self.keys, path)


def _nearest(places: dict[Path, Span], path: Path) -> Span:
    while path and path not in places:
        path = path[:-1]
    return places.get(path, Span(0, 0))


def locate(text: str) -> Places:
    """The places in a text that is known to be TOML."""
    reader = _Reader(text)
    reader.run()
    return Places(reader.keys, reader.values)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.keys: dict[Path, Span] = {}
        self.values: dict[Path, Span] = {}
        self._tables: dict[Path, int] = {}

    def run(self) -> None:
        """Go through all statements."""
        prefix: Path = ()
        self._gap()
        while self.position < len(self.text):
            if self.text[self.position] == "[":
                prefix = self._header()
            else:
                self._pair(prefix)
            self._gap()

    def _gap(self) -> None:
        found = _GAP.match(self.text, self.position)
        assert found is not None
        self.position = found.end()

    def _parts(self) -> Iterator[tuple[str, Span]]:
        """The parts of a dotted key, each with its place."""
        while found := _PART.match(self.text, self.position):
            self.position = found.end()
            yield found[1].strip("\"'") if found[1][0] in "\"'" else found[1], Span(found.start(1), found.end(1))
            if self.text[self.position : self.position + 1] != ".":
                return
            self.position += 1

    def _header(self) -> Path:
        """A ``[table]`` or an ``[[array of tables]]``: the path that leads into it."""
        several = self.text.startswith("[[", self.position)
        self.position += 1 + several
        path = self._path((), self._parts())
        self.position += 1 + several
        if several:
            self._tables[path] = self._tables.get(path, -1) + 1
            path = (*path, self._tables[path])
            self.keys[path] = self.keys[path[:-1]]
        return path

    def _path(self, path: Path, parts: Iterator[tuple[str, Span]]) -> Path:
        for name, span in parts:
            if path in self._tables:
                path = (*path, self._tables[path])
            path = (*path, name)
            self.keys[path] = span
        return path

    def _pair(self, prefix: Path) -> None:
        path = self._path(prefix, self._parts())
        self.position += 1
        self._gap()
        self._value(path)

    def _value(self, path: Path) -> None:
        start = self.position
        opening = self.text[start : start + 1]
        if opening == "[":
            self._items(path, "]")
        elif opening == "{":
            self._items(path, "}")
        else:
            found = _STRING.match(self.text, start) or _BARE.match(self.text, start)
            self.position = found.end() if found else len(self.text)
        self.values[path] = Span(start, self.position)

    def _items(self, path: Path, closing: str) -> None:
        self.position += 1
        self._gap()
        number = 0
        while self.position < len(self.text) and self.text[self.position] != closing:
            if closing == "]":
                self._value((*path, number))
            else:
                self._pair(path)
            number += 1
            self._gap()
            if self.text[self.position : self.position + 1] == ",":
                self.position += 1
                self._gap()
        self.position += 1
