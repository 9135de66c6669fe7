"""Texts compared line by line."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import unified_diff


def unified(old: str, new: str, name: str) -> Iterator[str]:
    """A unified diff; a last line without newline is said to be one, as diff(1) does."""
    for line in unified_diff(_lines(old), _lines(new), name, f"{name} (new)"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(text: str) -> list[str]:
    """Lines end at the newline and at nothing else."""
    *lines, rest = text.split("\n")
    return [f"{line}\n" for line in lines] + [rest] * bool(rest)
