"""mark: match on the mark that an earlier rule, or the socket, has put on the packet.

The mark lives with the packet inside this host and is never sent.  ``--mark
value/mask`` matches when the mark, with only the bits of the mask kept, is the
value; a value with bits outside its mask matches no packet.
"""

from __future__ import annotations

from rulec.catalogue.extension import Example, Extension, Option
from rulec.catalogue.values.numbers import MARK

EXTENSION = Extension(
    name="mark",
    summary="match on the mark that an earlier rule, or the socket, has put on the packet",
    modules=("xt_mark",),
    options=(Option("--mark", MARK, invertible=True, required=True),),
    valid=(
        Example("-m mark --mark 1", saved="-m mark --mark 0x1"),
        Example("-m mark ! --mark 0xff0/0xFF0", saved="-m mark ! --mark 0xff0/0xff0"),
        Example("-m mark --mark 010/4294967295", saved="-m mark --mark 0x8"),
        Example("-m mark --mark 0/0", saved="-m mark --mark 0x0/0x0"),
    ),
    invalid=(
        "-m mark",
        "-m mark --mark 1/",
        "-m mark --mark -1",
        "-m mark --mark 4294967296",
        "-m mark --mark 1 --mark 2",
    ),
)
