"""Lists of names of which each may be cut short, as several old extensions read them."""

from __future__ import annotations

from collections.abc import Iterable

from rulec.catalogue.extension import Value
from rulec.model import Family


def abbreviated(names: Iterable[str], expected: str, empty: str = "") -> Value:
    """A comma list of names, in any case, each as short as one likes: the first name that begins so is meant.

    The value holds each name once, in the order of the table, which is that of
    iptables-save.  ``empty`` stands for no name at all.
    """
    table = tuple(names)

    def named(word: str) -> str:
        for name in (*table, empty):
            if name.startswith(word.upper()):
                return name
        raise ValueError(f"{word!r} is not {expected}")

    def read(family: Family, words: str) -> tuple[str, ...]:
        chosen = {named(word) for word in words.split(",")}
        return tuple(name for name in table if name in chosen)

    return Value(
        ("NAMES",), f"a list with commas and no blanks, each {expected}", read, lambda value: ",".join(value) or empty
    )
