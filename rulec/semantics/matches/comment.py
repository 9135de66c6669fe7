"""comment: a text beside the rule, which asks nothing (xt_comment.c)."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.semantics.place import Condition, Place


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """None."""
    return iter(())
