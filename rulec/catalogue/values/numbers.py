"""Numbers as strtoul(3) with base 0 reads them: decimal, 0x hexadecimal, 0 octal."""

from __future__ import annotations

import re
from collections.abc import Callable

from rulec.catalogue.extension import Value
from rulec.model import Family

_INTEGER = re.compile(r"[ \t]*\+?(?:0[xX](?P<hex>[0-9a-fA-F]+)|(?P<octal>0[0-7]*)|(?P<decimal>[1-9][0-9]*))")


def integer(text: str, low: int = 0, high: int = 2**32 - 1) -> int:
    """The number that a text is, within bounds; ValueError says which bounds."""
    found = _INTEGER.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a number")
    value = _converted(found)
    if not low <= value <= high:
        raise ValueError(f"{text} is out of range ({low} to {high})")
    return value


def _converted(found: re.Match[str]) -> int:
    if found["hex"]:
        return int(found["hex"], 16)
    return int(found["octal"], 8) if found["octal"] else int(found["decimal"])


def number(bits: int = 32, low: int = 0, high: int | None = None, show: Callable[[int], str] = str) -> Value:
    """One number of so many bits, or within narrower bounds."""
    top = 2**bits - 1 if high is None else high
    return Value(("NUMBER",), f"a number from {low} to {top}", lambda family, text: integer(text, low, top), show)


def hexadecimal(value: int) -> str:
    """As printf's ``0x%x`` prints it."""
    return f"{value:#x}"


def number_range(bits: int = 32, show: Callable[[tuple[int, int]], str] | None = None) -> Value:
    """``first:last``, either end may be left out (0, or the largest); the ends may not be crossed in print only.

    ``show`` prints the pair; by default ``first:last``, or one number for equal ends.
    """
    top = 2**bits - 1

    def read(family: Family, text: str) -> tuple[int, int]:
        first, colon, last = text.partition(":")
        low = integer(first, 0, top) if first else 0
        if not colon:
            return low, low
        return low, integer(last, 0, top) if last else top

    return Value(("NUMBER_RANGE",), f"a number or a range first:last, up to {top}", read, show or colon_range)


def colon_range(pair: tuple[int, int]) -> str:
    """``first:last``, or the one number that both are."""
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]}:{pair[1]}"


def _read_mark(family: Family, text: str) -> tuple[int, int]:
    value, slash, mask = text.partition("/")
    return integer(value), integer(mask) if slash else 2**32 - 1


def show_mark(pair: tuple[int, int]) -> str:
    """``0x1``, or ``0x1/0xff`` where the mask is not all ones."""
    return f"{pair[0]:#x}" if pair[1] == 2**32 - 1 else f"{pair[0]:#x}/{pair[1]:#x}"


MARK = Value(("MARK",), "a mark, value or value/mask", _read_mark, show_mark)
