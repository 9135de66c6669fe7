"""``did you mean``: the name that somebody probably wanted."""

from __future__ import annotations

from collections.abc import Iterable

from rulec.resources import lazy

_MOST, _LONGEST = 500, 40  # comparing takes some 20 microseconds a name, and a file may have many errors


def suggestion(name: str, known: Iterable[str]) -> str:
    """``; did you mean X?`` or nothing; a name that differs by case alone comes first."""
    names = list(known)
    if len(names) > _MOST:
        return ""
    close = [each for each in names if each.lower() == name.lower()]
    close = close or lazy("difflib").get_close_matches(name.lower()[:_LONGEST], names, n=1, cutoff=0.65)
    return f"; did you mean {close[0]}?" if close else ""
