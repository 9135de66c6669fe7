"""dst: match on the destination header of an IPv6 packet and on the options inside it.

The options must follow each other in the header as they do in the list.
The kernel module of hbh does its work.
"""

from __future__ import annotations

from rulec.catalogue.extension import IPV6, Example, Extension, Option
from rulec.catalogue.values.ipv6_options import HEADER_OPTIONS
from rulec.catalogue.values.numbers import number

EXTENSION = Extension(
    name="dst",
    summary="match on the destination header of an IPv6 packet and on the options inside it",
    families=IPV6,
    modules=("ip6t_hbh",),
    options=(Option("--dst-len", number(), invertible=True), Option("--dst-opts", HEADER_OPTIONS)),
    valid=(
        Example("-m dst"),
        Example("-m dst --dst-opts 5:0x2,0,1:255 ! --dst-len 8", saved="-m dst ! --dst-len 8 --dst-opts 5:2,0,1"),
        Example("-m dst --dst-len 0 --dst-opts 149:92,12:12,123:12"),
        Example("-m dst --dst-opts 257", saved="-m dst --dst-opts 1"),
    ),
    invalid=(
        "-m dst --dst-opts 5,",
        "-m dst --dst-opts 5:",
        "-m dst --dst-opts 0:4",
        "-m dst --dst-opts 1:2:3",
        "-m dst --dst-opts 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15:3",
        "-m dst --dst-opts 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16",
        "-m dst ! --dst-opts 5",
        "-m dst --dst-len 4294967296",
    ),
)
