"""DSCP: the upper six bits of the former TOS byte, and the names of its classes."""

from __future__ import annotations

from rulec.catalogue.extension import Value
from rulec.catalogue.values.numbers import number
from rulec.model import Family

CLASSES = {
    "CS0": 0x00, "CS1": 0x08, "CS2": 0x10, "CS3": 0x18, "CS4": 0x20, "CS5": 0x28, "CS6": 0x30, "CS7": 0x38,
    "BE": 0x00, "AF11": 0x0A, "AF12": 0x0C, "AF13": 0x0E, "AF21": 0x12, "AF22": 0x14, "AF23": 0x16,
    "AF31": 0x1A, "AF32": 0x1C, "AF33": 0x1E, "AF41": 0x22, "AF42": 0x24, "AF43": 0x26, "EF": 0x2E,
}  # fmt: skip
"""The classes of RFC 2474, 2597 and 3246 that iptables knows by name."""


def show_dscp(value: int) -> str:
    """Two hexadecimal digits: ``0x08``."""
    return f"0x{value:02x}"


def _read_class(family: Family, text: str) -> int:
    for name, value in CLASSES.items():
        if text.upper().startswith(name):
            return value
    raise ValueError(f"{text!r} is no DSCP class ({', '.join(CLASSES)})")


DSCP = number(6, show=show_dscp)
"""A DSCP by number."""

DSCP_CLASS = Value(("NAME",), "a DSCP class such as CS1, AF11 or EF", _read_class, show_dscp)
"""A DSCP by name, in any case; letters behind a known name are overlooked (``EFx`` is EF)."""
