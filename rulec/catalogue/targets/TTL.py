"""TTL: set, raise or lower the time to live of an IPv4 packet.

Raising it, or setting it on packets that come from elsewhere, takes away what
ends a packet that goes round in a circle.  The packet goes on with the next
rule.  For IPv6 there is HL.
"""

from __future__ import annotations

from rulec.catalogue.extension import IPV4, Example, Extension, Option
from rulec.catalogue.options import exclusive
from rulec.catalogue.values.numbers import number

STEP = number(8, low=1)

OPTIONS = exclusive(Option("--ttl-set", number(8)), Option("--ttl-dec", STEP), Option("--ttl-inc", STEP))

EXTENSION = Extension(
    name="TTL",
    summary="set, raise or lower the time to live of an IPv4 packet",
    families=IPV4,
    modules=("xt_HL",),
    tables=("mangle",),
    options=OPTIONS,
    one_of=(tuple(option.name for option in OPTIONS),),
    valid=(
        Example("-j TTL --ttl-set 0", table="mangle"),
        Example("-j TTL --ttl-dec 0xff", saved="-j TTL --ttl-dec 255", table="mangle", chain="PREROUTING"),
        Example("-j TTL --ttl-inc 1", table="mangle", chain="FORWARD"),
    ),
    invalid=(
        Example("-j TTL", table="mangle"),
        Example("-j TTL --ttl-set 256", table="mangle"),
        Example("-j TTL --ttl-dec 0", table="mangle"),
        Example("-j TTL --ttl-inc 1 --ttl-dec 1", table="mangle"),
    ),
    refused=("-j TTL --ttl-set 64",),
)
