"""mac: the Ethernet address of the sender of the frame.

Where the interface is no Ethernet, as with lo, the packet has none, and never
matches, negated or not (xt_mac.c).
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.semantics.matches._conditions import turned
from rulec.semantics.place import Condition, Place


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """The address."""
    yield Condition(None, place.flag("has_mac"))
    names = place.space.fields["mac"].names
    assert names is not None
    for use in given:
        yield turned(use, place.field("mac").equals(names.numbers[use.value.hex(":")]))
