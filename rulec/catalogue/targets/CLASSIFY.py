"""CLASSIFY: put the packet into a class of traffic control (tc).

Both numbers are hexadecimal, with or without ``0x``; of each the lower 16 bits
count, and what stands behind them is not looked at.  The packet goes on with
the next rule.
"""

from __future__ import annotations

import re

from rulec.catalogue.extension import Example, Extension, Option, Value
from rulec.model import Family

_CLASS = re.compile(r"\s*([+-]?)(?:0[xX])?([0-9A-Fa-f]+):\s*([+-]?)(?:0[xX])?([0-9A-Fa-f]+)")


def _number(sign: str, digits: str) -> int:
    """As sscanf(3) reads ``%x``: more than 64 bits are the largest number, and a sign turns it round."""
    value = min(int(digits, 16), 2**64 - 1)
    if sign == "-" and value < 2**64 - 1:
        value = -value
    return value & 0xFFFF


def _read_class(family: Family, text: str) -> tuple[int, int]:
    found = _CLASS.match(text)
    if found is None:
        raise ValueError(f"{text!r} is not a class major:minor")
    return _number(found[1], found[2]), _number(found[3], found[4])


CLASS = Value(
    ("CLASS",),
    "a class major:minor, both hexadecimal",
    _read_class,
    lambda value: f"{value[0]:04x}:{value[1]:04x}",
)
"""Major and minor number."""

EXTENSION = Extension(
    name="CLASSIFY",
    summary="put the packet into a class of traffic control (tc)",
    modules=("xt_CLASSIFY",),
    hooks=("FORWARD", "OUTPUT", "POSTROUTING"),
    options=(Option("--set-class", CLASS, required=True),),
    valid=(
        Example("-j CLASSIFY --set-class 0001:ffff", table="mangle", chain="POSTROUTING"),
        Example("-j CLASSIFY --set-class 1:0xA", saved="-j CLASSIFY --set-class 0001:000a", chain="OUTPUT"),
        Example("-j CLASSIFY --set-class 1ffff:-1:3", saved="-j CLASSIFY --set-class ffff:ffff", chain="FORWARD"),
    ),
    invalid=(
        Example("-j CLASSIFY", table="mangle", chain="POSTROUTING"),
        Example("-j CLASSIFY --set-class 1", table="mangle", chain="POSTROUTING"),
        Example("-j CLASSIFY --set-class :1", table="mangle", chain="POSTROUTING"),
        Example("-j CLASSIFY --set-class 1:x", table="mangle", chain="POSTROUTING"),
    ),
    refused=(
        "-j CLASSIFY --set-class 1:2",
        Example("-j CLASSIFY --set-class 1:2", table="mangle", chain="PREROUTING"),
    ),
)
