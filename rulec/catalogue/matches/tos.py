"""tos: match on the type-of-service byte (IPv4) or traffic class (IPv6).

``--tos value/mask`` looks at the bits of the mask; a number alone means the
whole byte, a name six bits of it.
"""

from __future__ import annotations

from rulec.catalogue.extension import Example, Extension, Option
from rulec.catalogue.values.tos import TOS

EXTENSION = Extension(
    name="tos",
    summary="match on the type-of-service byte, or the traffic class",
    modules=("xt_dscp",),
    options=(Option("--tos", TOS, invertible=True, required=True),),
    valid=(
        Example("-m tos --tos 0x10", saved="-m tos --tos 0x10/0xff"),
        Example("-m tos --tos 16/0x3f", saved="-m tos --tos 0x10/0x3f"),
        Example("-m tos ! --tos minimize-Delay", saved="-m tos ! --tos 0x10/0x3f"),
        Example("-m tos --tos Normal-Service", saved="-m tos --tos 0x00/0x3f"),
        Example("-m tos --tos 255/0", saved="-m tos --tos 0xff/0x00"),
    ),
    invalid=(
        "-m tos",
        "-m tos --tos 256",
        "-m tos --tos 16/256",
        "-m tos --tos 16/",
        "-m tos --tos Minimize-Delay/0x3f",
        "-m tos --tos urgent",
    ),
)
