"""The type-of-service byte as value and mask, or by one of its five old names.

A name stands for its value with the mask 0x3f; a number without a mask has the
mask 0xff (libxtables, XTTYPE_TOSMASK; tried on 1.8.9).
"""

from __future__ import annotations

from rulec.catalogue.extension import Value
from rulec.catalogue.values.numbers import integer
from rulec.model import Family

NAMES = {
    "minimize-delay": 0x10,
    "maximize-throughput": 0x08,
    "maximize-reliability": 0x04,
    "minimize-cost": 0x02,
    "normal-service": 0x00,
}
"""The names in lower case; iptables looks at no case."""

NAMED_MASK = 0x3F
"""The mask that comes with a name."""


def read_tos(family: Family, text: str) -> tuple[int, int]:
    """Value and mask."""
    if text.lower() in NAMES:
        return NAMES[text.lower()], NAMED_MASK
    value, slash, mask = text.partition("/")
    return integer(value, 0, 255), integer(mask, 0, 255) if slash else 255


def show_tos(pair: tuple[int, int]) -> str:
    """Value and mask in two hexadecimal digits each."""
    return f"0x{pair[0]:02x}/0x{pair[1]:02x}"


TOS = Value(("TOS",), "value, value/mask, or a name such as Minimize-Delay", read_tos, show_tos)
"""Value and mask."""
