"""``did you mean``: the name that somebody probably wanted."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def suggestion(name: str, known: Iterable[str]) -> str:
    """``; did you mean X?`` or nothing."""
    close = get_close_matches(name.lower()[:40], list(known), n=1, cutoff=0.65)
    return f"; did you mean {close[0]}?" if close else ""
