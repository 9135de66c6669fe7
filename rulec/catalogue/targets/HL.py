"""HL: set, raise or lower the hop limit of an IPv6 packet.

Raising it, or setting it on packets that come from elsewhere, takes away what
ends a packet that goes round in a circle.  The packet goes on with the next
rule.  For IPv4 there is TTL.
"""

from __future__ import annotations

from rulec.catalogue.extension import IPV6, Example, Extension, Option
from rulec.catalogue.options import exclusive
from rulec.catalogue.values.numbers import number

STEP = number(8, low=1)

OPTIONS = exclusive(Option("--hl-set", number(8)), Option("--hl-dec", STEP), Option("--hl-inc", STEP))

EXTENSION = Extension(
    name="HL",
    summary="set, raise or lower the hop limit of an IPv6 packet",
    families=IPV6,
    modules=("xt_HL",),
    tables=("mangle",),
    options=OPTIONS,
    one_of=(tuple(option.name for option in OPTIONS),),
    valid=(
        Example("-j HL --hl-set 0", table="mangle"),
        Example("-j HL --hl-dec 010", saved="-j HL --hl-dec 8", table="mangle", chain="PREROUTING"),
        Example("-j HL --hl-inc 255", table="mangle", chain="FORWARD"),
    ),
    invalid=(
        Example("-j HL", table="mangle"),
        Example("-j HL --hl-set 256", table="mangle"),
        Example("-j HL --hl-inc 0", table="mangle"),
        Example("-j HL --hl-inc 1 --hl-dec 1", table="mangle"),
    ),
    refused=("-j HL --hl-set 64",),
)
