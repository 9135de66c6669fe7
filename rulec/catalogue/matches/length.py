"""length: match on the length of the packet in bytes, with its IP header.

For IPv4 it is the total length of the header, for IPv6 the payload and the 40
bytes of the header.  A range that runs backwards matches no packet.
"""

from __future__ import annotations

from rulec.catalogue.extension import Example, Extension, Option
from rulec.catalogue.values.numbers import number_range

EXTENSION = Extension(
    name="length",
    summary="match on the length of the packet in bytes, with its IP header",
    modules=("xt_length",),
    options=(Option("--length", number_range(16), invertible=True, required=True),),
    valid=(
        Example("-m length --length 100"),
        Example("-m length ! --length 0x40:128", saved="-m length ! --length 64:128"),
        Example("-m length --length 1000:", saved="-m length --length 1000:65535"),
        Example("-m length --length :", saved="-m length --length 0:65535"),
        Example("-m length --length 5:3"),
        Example("-m length --length 7:7", saved="-m length --length 7"),
    ),
    invalid=(
        "-m length",
        "-m length --length 65536",
        "-m length --length 1:2:3",
        "-m length --length 1-2",
        "-m length --length 1 --length 2",
    ),
)
