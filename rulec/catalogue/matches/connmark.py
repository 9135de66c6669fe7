"""connmark: match on the mark of the packet's connection.

The mark is a number that the target CONNMARK gives to a connection; a packet
that is not tracked never matches, negated or not.  One rule with this match
has every packet of its family tracked.
"""

from __future__ import annotations

from rulec.catalogue.extension import Example, Extension, Option, Tracking
from rulec.catalogue.values.numbers import MARK

EXTENSION = Extension(
    name="connmark",
    summary="match on the mark of the packet's connection",
    modules=("xt_connmark", "nf_conntrack"),
    tracking=Tracking.TRACKS,
    options=(Option("--mark", MARK, invertible=True, required=True),),
    valid=(
        Example("-m connmark --mark 1", saved="-m connmark --mark 0x1"),
        Example("-m connmark ! --mark 0xff/017", saved="-m connmark ! --mark 0xff/0xf"),
        Example("-m connmark --mark 99/4294967295", saved="-m connmark --mark 0x63"),
    ),
    invalid=(
        "-m connmark",
        "-m connmark --mark 1/",
        "-m connmark --mark 4294967296",
        "-m connmark --mark one",
        "-m connmark --mark 1 --mark 2",
    ),
)
