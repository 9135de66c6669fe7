"""Sets of ipset(8), and what of a packet is looked for in them."""

from __future__ import annotations

from rulec.catalogue.extension import Value
from rulec.catalogue.values.text import size
from rulec.model import Family

LONGEST_NAME = 31
"""IPSET_MAXNAMELEN without the final zero."""

DIMENSIONS = 6
"""IPSET_DIM_MAX: most src and dst of one test."""

SetEntry = tuple[str, tuple[str, ...]]
"""The name of a set, and the side of the packet for each part of an entry."""


def _read(family: Family, name: str, sides: str) -> SetEntry:
    if size(name) > LONGEST_NAME:
        raise ValueError(f"the name {name!r} of the set is longer than {LONGEST_NAME} bytes")
    directions = tuple([side[:3] for side in sides.split(",")])
    if len(directions) > DIMENSIONS:
        raise ValueError(f"at most {DIMENSIONS} of src and dst may stand in a list")
    return name, directions


SET_ENTRY = Value(
    ("SET_NAME", "SET_FLAGS"),
    "the name of a set, and src or dst for each part of its entries",
    _read,
    lambda value: f"{value[0]} {','.join(value[1])}",
)
"""Name, and the side of the packet for each dimension."""
