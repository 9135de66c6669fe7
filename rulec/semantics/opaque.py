"""Matches of which nobody can know from here whether they hold.

A PURE match gives the same answer to the same question; one that keeps a memory
(``limit``, ``recent``) or throws dice (``statistic``) may give another each time
that a packet comes by.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec import catalogue
from rulec.catalogue.extension import Answer
from rulec.model import Match, Rule
from rulec.semantics.place import Condition, Place

_NAMES_OF_MEMORIES = {
    "recent": "--name",
    "hashlimit": "--hashlimit-name",
    "quota": "",
    "set": "--match-set",
    "nfacct": "--nfacct-name",
    "rateest": "--rateest1",
}


UNREADABLE = "unreadable-"
"""What stands before the name of a match whose arguments nobody can read, and which is otherwise known."""


def has_memory(match: Match) -> bool:
    """Whether asking twice may give two answers; so it may be with an extension that nobody knows.

    A set may, where the counters of its entries are asked, which every packet changes.
    """
    if match.name == "set":
        return any(use.option.startswith(("--packets", "--bytes")) for use in match.uses)
    extension = catalogue.match(match.name.removeprefix(UNREADABLE))
    return extension is None or extension.answer is not Answer.PURE


def memories(rule: Rule) -> Iterator[str]:
    """The objects with a memory that the matches of a rule share with others of the same name."""
    for match in rule.matches:
        if has_memory(match):
            named = _NAMES_OF_MEMORIES.get(match.name)
            found = [str(use.value) for use in match.uses if named and use.option == named]
            yield " ".join([match.name, *found])


def opaque_condition(match: Match, place: Place) -> Condition:
    """The packets that the match lets pass: unknown, and new for each rule where it has a memory."""
    if has_memory(match):
        return Condition(None, place.unknown_here(match))
    return Condition(None, place.unknown(match))
