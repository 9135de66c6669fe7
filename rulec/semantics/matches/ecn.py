"""ecn: explicit congestion notification (xt_ecn.c).

The kernel does not ask whether it looks at a later fragment, and takes what it
finds there for the flags of TCP.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Given
from rulec.packetset.fields import FLAGS
from rulec.semantics.matches._conditions import turned
from rulec.semantics.place import Condition, Place

_FLAG = {"--ecn-tcp-ece": "ECE", "--ecn-tcp-cwr": "CWR"}


def conditions(given: Given, place: Place) -> Iterator[Condition]:
    """The two bits of the IP header, and the two flags of TCP."""
    for use in given:
        if use.option == "--ecn-ip-ect":
            yield turned(use, place.field("tos").masked(use.value, 3))
        else:
            flag = FLAGS[_FLAG[use.option]]
            is_set = place.field("tcp_flags").masked(flag, flag)
            yield turned(use, place.has_header.choose(is_set, place.unknown(("ecn", use.option))))
