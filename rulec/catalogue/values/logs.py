"""The prefix of log messages."""

from __future__ import annotations

from rulec.catalogue.extension import Value
from rulec.catalogue.values.text import cut, quoted
from rulec.model import Family


def log_prefix(limit: int) -> Value:
    """A prefix, silently cut after so many bytes; it must have one at least and no newline."""

    def read(family: Family, word: str) -> str:
        if not word:
            raise ValueError("the prefix must have at least one byte")
        if "\n" in word:
            raise ValueError("the prefix must not hold a newline (is a closing quote missing?)")
        return cut(word, limit)

    return Value(("TEXT",), f"a text of up to {limit} bytes", read, quoted)
