"""What a configuration file says: one form for all kinds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from rulec.diagnostics import Label
from rulec.source import Source, Span

_WORD = re.compile(r"(?:[^\s\\]|\\[^\n])+")


class Kind(str, Enum):
    """The kinds of files, as people call them."""

    IPTABLES = "iptables-config"
    MODPROBE = "modprobe.d"
    MODULES = "modules-load.d"
    SYSCTL = "sysctl.d"


class Word(NamedTuple):
    """Some words of the file, and where they stand."""

    text: str
    span: Span


class Statement(NamedTuple):
    """One thing that a file says.

    ``kind`` is that of the file; ``verb`` is ``load`` for a module of a list,
    ``set`` for a setting or a variable, and else the command of modprobe.d;
    ``name`` is the module or the setting, ``value`` the words behind it.
    """

    source: Source
    kind: Kind
    verb: str
    name: Word
    value: Word

    @property
    def span(self) -> Span:
        """From its first word to its last, without the verb."""
        return Span(self.name.span.start, max(self.name.span.end, self.value.span.end))

    def label(self, text: str = "") -> Label:
        """Where it stands."""
        return Label(self.source, self.span, text)

    @property
    def words(self) -> Iterator[Word]:
        """The words of the value; a backslash at the end of a line is none."""
        start = self.value.span.start
        for found in _WORD.finditer(self.value.text):
            yield Word(found[0], Span(start + found.start(), start + found.end()))

    @property
    def lines(self) -> Span:
        """Its whole lines, without the last newline."""
        content = self.source.text
        start = content.rfind("\n", 0, self.name.span.start) + 1
        end = content.find("\n", self.span.end)
        return Span(start, len(content) if end < 0 else end)


class ConfigFile(NamedTuple):
    """A file, its kind, and what it says in the order of the lines; the ``ignored`` lines say nothing to anybody."""

    source: Source
    kind: Kind
    statements: tuple[Statement, ...]
    ignored: tuple[Word, ...] = ()
