"""hbh: match on the hop-by-hop header of an IPv6 packet and on the options inside it.

The options must follow each other in the header as they do in the list.
Routers look into this header, and some drop packets that have it.
"""

from __future__ import annotations

from rulec.catalogue.extension import IPV6, Example, Extension, Option
from rulec.catalogue.values.ipv6_options import HEADER_OPTIONS
from rulec.catalogue.values.numbers import number

EXTENSION = Extension(
    name="hbh",
    summary="match on the hop-by-hop header of an IPv6 packet and on the options inside it",
    families=IPV6,
    modules=("ip6t_hbh",),
    options=(Option("--hbh-len", number(), invertible=True), Option("--hbh-opts", HEADER_OPTIONS)),
    valid=(
        Example("-m hbh"),
        Example("-m hbh --hbh-opts 5:0x2,0,1:255 ! --hbh-len 8", saved="-m hbh ! --hbh-len 8 --hbh-opts 5:2,0,1"),
        Example("-m hbh --hbh-len 0 --hbh-opts 149:92,12:12,123:12"),
        Example("-m hbh --hbh-opts 257", saved="-m hbh --hbh-opts 1"),
    ),
    invalid=(
        "-m hbh --hbh-opts 5,",
        "-m hbh --hbh-opts 5:",
        "-m hbh --hbh-opts 0:4",
        "-m hbh --hbh-opts 1:2:3",
        "-m hbh --hbh-opts 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15:3",
        "-m hbh --hbh-opts 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16",
        "-m hbh ! --hbh-opts 5",
        "-m hbh --hbh-len 4294967296",
    ),
)
