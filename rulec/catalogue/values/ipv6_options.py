"""Lists of the options inside IPv6 hop-by-hop and destination headers."""

from __future__ import annotations

from rulec.catalogue.extension import Value
from rulec.catalogue.values.numbers import integer
from rulec.model import Family

MOST_OPTIONS = 16
"""IP6T_OPTS_OPTSNR."""

ANY_LENGTH = 255

HeaderOption = tuple[int, int]
"""Type and length; 255 is any length."""


def _read_option(text: str) -> HeaderOption:
    kind, colon, length = text.partition(":")
    number = integer(kind, 0, 2**64 - 2) & 0xFF
    if colon and number == 0:
        raise ValueError("the option 0 (PAD0) has no length")
    return number, integer(length, 0, 2**64 - 2) & 0xFF if colon else ANY_LENGTH


def _read_options(family: Family, text: str) -> tuple[HeaderOption, ...]:
    parts = text.split(",")
    if len(parts) > MOST_OPTIONS or ":" in "".join(parts[MOST_OPTIONS - 1 :]):
        raise ValueError(f"a list has at most {MOST_OPTIONS} options, and the last of so many no length")
    return tuple(_read_option(part) for part in parts)


def _show_option(option: HeaderOption) -> str:
    return str(option[0]) if option[1] == ANY_LENGTH else f"{option[0]}:{option[1]}"


HEADER_OPTIONS = Value(
    ("HEADER_OPTIONS",),
    "a list of options, type or type:length",
    _read_options,
    lambda options: ",".join(_show_option(option) for option in options),
)
"""The options, in their order; numbers are cut to a byte."""
