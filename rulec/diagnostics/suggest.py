"""``did you mean``: the name that somebody probably wanted."""

from __future__ import annotations

from collections.abc import Iterable

from rulec.resources import lazy

_MOST, _LONGEST = 500, 40  # comparing takes some 20 microseconds a name, and a file may have many errors


def suggestion(name: str, known: Iterable[str]) -> str:
    """``; did you mean X?`` or nothing, whatever the case of its letters."""
    names = list(known)
    if len(names) > _MOST:
        return ""
    folded = {each.lower(): each for each in reversed(names)}
    close = lazy("difflib").get_close_matches(name.lower()[:_LONGEST], list(folded), n=1, cutoff=0.65)
    return f"; did you mean {folded[close[0]]}?" if close else ""
