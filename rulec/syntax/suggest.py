"""``did you mean``: the name that somebody probably wanted."""

from __future__ import annotations

from collections.abc import Iterable

from rulec.resources import lazy


def suggestion(name: str, known: Iterable[str]) -> str:
    """``; did you mean X?`` or nothing."""
    close = lazy("difflib").get_close_matches(name, list(known), n=1, cutoff=0.75)
    return f"; did you mean {close[0]}?" if close else ""
