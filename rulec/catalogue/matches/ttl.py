"""ttl: match on the time to live of an IPv4 packet.

``--ttl-lt`` and ``--ttl-gt`` leave out the number itself.  For IPv6 the match is
called hl.
"""

from __future__ import annotations

from rulec.catalogue.extension import IPV4, Example, Extension, Option
from rulec.catalogue.values.numbers import number

_TTL = number(8)

EXTENSION = Extension(
    name="ttl",
    summary="match on the time to live of an IPv4 packet",
    families=IPV4,
    modules=("xt_hl",),
    options=(
        Option("--ttl-eq", _TTL, aliases=("--ttl",), invertible=True, excludes=("--ttl-lt", "--ttl-gt")),
        Option("--ttl-lt", _TTL, excludes=("--ttl-eq", "--ttl-gt")),
        Option("--ttl-gt", _TTL, excludes=("--ttl-eq", "--ttl-lt")),
    ),
    one_of=(("--ttl-eq", "--ttl-lt", "--ttl-gt"),),
    valid=(
        Example("-m ttl --ttl-eq 255"),
        Example("-m ttl ! --ttl 0x40", saved="-m ttl ! --ttl-eq 64"),
        Example("-m ttl --ttl-lt 5"),
        Example("-m ttl --ttl-gt 0"),
    ),
    invalid=(
        "-m ttl",
        "-m ttl --ttl-gt 256",
        "-m ttl ! --ttl-lt 5",
        "-m ttl --ttl-lt 5 --ttl-gt 3",
        "-m ttl --ttl 5 --ttl-eq 5",
    ),
)
