"""Changes of some bits of a number, such as the mark of a packet."""

from __future__ import annotations

from typing import Any

Change = tuple[int, int]
"""Value and mask: the bits of the mask are cleared, then the value is xored into the number."""


def change(option: str, value: Any, all_ones: int = 2**32 - 1) -> Change:
    """The change that ``--set-mark``, ``--and-mark`` and the like stand for.

    A mask after ``--set-mark`` gains the bits of its value, so that these are
    set whatever they were; after ``--set-xmark`` and ``--set-tos`` both stand
    for themselves (libxt_MARK.c, libxt_TOS.c).
    """
    if option == "--set-mark":
        return value[0], value[0] | value[1]
    if option.startswith("--and-"):
        return 0, value ^ all_ones
    if option.startswith("--or-"):
        return value, value
    return (value, 0) if option.startswith("--xor-") else value


def show_change(value: Change) -> str:
    """As iptables-save prints it, always with the mask."""
    return f"{value[0]:#x}/{value[1]:#x}"
