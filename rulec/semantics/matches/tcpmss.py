"""tcpmss: the maximum segment size that a TCP header announces (xt_tcpmss.c).

A packet that announces none matches the negated condition.  The kernel does not
ask whether it looks at a later fragment: what it finds there is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.model.protocols import TCP
from rulec.semantics.matches._conditions import turned
from rulec.semantics.place import Condition, Place


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """Announced, and within the range."""
    yield Condition(None, place.protocol(TCP))
    for use in given:
        announced = place.flag("has_mss") & place.field("mss").between(*use.value)
        yield turned(use, place.has_header.choose(announced, place.unknown(("tcpmss", use.value))))
