"""Words: free text, names, lists of names, and how iptables-save quotes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from rulec.catalogue.extension import Value
from rulec.model import Family

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
_SPECIAL = re.compile(r"[\"\\']")


def quoted(text: str) -> str:
    """Text as iptables-save prints it: quotes when there is more than letters, digits, ``_`` and ``-``.

    Source: xtables_save_string() of libxtables.
    """
    if _PLAIN.fullmatch(text):
        return text
    return '"' + _SPECIAL.sub(r"\\\g<0>", text) + '"'


def size(text: str) -> int:
    """The number of bytes of a text."""
    return len(text.encode("utf-8", "surrogateescape"))


def cut(text: str, limit: int) -> str:
    """The first bytes of a text, as strncpy leaves them."""
    return text.encode("utf-8", "surrogateescape")[:limit].decode("utf-8", "surrogateescape")


def text(
    limit: int | None = None, shortest: int = 0, longest: int | None = None, show: Callable[[str], str] = quoted
) -> Value:
    """Any text; silently cut after ``limit`` bytes, refused when shorter or longer than the other two."""

    def read(family: Family, word: str) -> str:
        if size(word) < shortest:
            raise ValueError(f"the text must have at least {shortest} bytes")
        if longest is not None and size(word) > longest:
            raise ValueError(f"the text must have at most {longest} bytes")
        return word if limit is None or len(word) <= limit // 4 else cut(word, limit)

    return Value(("TEXT",), "a text", read, show)


def choice(names: Mapping[str, str] | Iterable[str], expected: str, ignore_case: bool = False) -> Value:
    """One of some names; a mapping gives the name that is printed."""
    table = dict(names) if isinstance(names, Mapping) else {name: name for name in names}
    if ignore_case:
        table = {name.lower(): printed for name, printed in table.items()}

    def read(family: Family, word: str) -> str:
        found = table.get(word.lower() if ignore_case else word)
        if found is None:
            raise ValueError(f"{word!r} is not {expected}")
        return found

    return Value(("NAME",), expected, read)


def choices(order: Iterable[str], expected: str, ignore_case: bool = True) -> Value:
    """A comma list of some names, printed once each in the order of the table."""
    table = {(name.lower() if ignore_case else name): name for name in order}

    def read(family: Family, word: str) -> tuple[str, ...]:
        chosen = set()
        for name in word.split(","):
            key = name.lower() if ignore_case else name
            if key not in table:
                raise ValueError(f"{name!r} is not {expected}")
            chosen.add(table[key])
        return tuple(name for name in table.values() if name in chosen)

    return Value(("NAMES",), f"a list with commas and no blanks, each {expected}", read, ",".join)
