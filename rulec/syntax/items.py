"""What a line is made of once its words are classed."""

from __future__ import annotations

from typing import NamedTuple

from rulec.catalogue.extension import Extension, Option


class Owner(NamedTuple):
    """An extension as one ``-m`` or ``-j`` of a line names it; the first owner of a line is iptables itself."""

    role: str  # "base", "match" or "target"
    name: str
    extension: Extension
    start: int = 0
    end: int = 0


class Item(NamedTuple):
    """A classed word: the token that the grammar sees, its text and place.

    Options carry their owner's number and the option itself.  A word for which
    there is no token that the grammar admits has a ``note`` that says why.
    """

    token: str
    text: str
    start: int
    end: int
    owner: int = 0
    option: Option | None = None
    note: str = ""


class Problem(NamedTuple):
    """Something wrong with a line, at a place in the text."""

    message: str
    start: int
    end: int
    hint: str = ""
    slug: str = "syntax-error"
