"""multiport: match on up to fifteen ports in one rule.

A range takes two of the fifteen places.  The protocol must stand before it on
the line, and must be one that has ports.  ``--ports`` matches when either port
of the packet is in the list; the list is read as a whole, so that ``! --dports``
is a port that is in none of it.
"""

from __future__ import annotations

from rulec.catalogue.extension import Example, Extension, Option, Setting, Value
from rulec.catalogue.values.numbers import colon_range
from rulec.catalogue.values.ports import Ports, port
from rulec.model import Family
from rulec.model.protocols import DCCP, SCTP, TCP, UDP, UDPLITE

PLACES = 15
"""XT_MULTI_PORTS: ports of one list, where a range counts as two."""


def _read_part(part: str) -> Ports:
    first, colon, last = part.partition(":")
    low = port(first)
    if not colon:
        return low, low
    high = port(last)
    if low >= high:
        raise ValueError(f"the range {part} must begin below its end")
    return low, high


def _read_list(family: Family, text: str) -> tuple[Ports, ...]:
    ranges = tuple([_read_part(part) for part in text.split(",")])
    if len(ranges) + text.count(":") > PLACES:
        raise ValueError(f"too many ports: a list has {PLACES} places, and a range takes two")
    return ranges


def _show_list(ranges: tuple[Ports, ...]) -> str:
    return ",".join(map(colon_range, ranges))


PORT_LIST = Value(("PORT_LIST",), "ports and ranges with commas, such as 80,443,8000:8080", _read_list, _show_list)
"""First and last port of each part of the list."""


def _needs_ports(value: object, setting: Setting) -> None:
    if not setting.speaks(TCP, UDP, UDPLITE, SCTP, DCCP):
        raise ValueError("a list of ports needs -p tcp, udp, udplite, sctp or dccp before it")


def _option(name: str, long_name: str, *others: str) -> Option:
    aliases = (long_name,) if long_name else ()
    return Option(name, PORT_LIST, aliases, invertible=True, excludes=others, check=_needs_ports)


EXTENSION = Extension(
    name="multiport",
    summary="match on up to fifteen ports in one rule",
    modules=("xt_multiport",),
    options=(
        _option("--sports", "--source-ports", "--dports", "--ports"),
        _option("--dports", "--destination-ports", "--sports", "--ports"),
        _option("--ports", "", "--sports", "--dports"),
    ),
    one_of=(("--sports", "--dports", "--ports"),),
    valid=(
        Example("-p tcp -m multiport --dports 80,https,8000:8080",
                saved="-p tcp -m multiport --dports 80,443,8000:8080"),
        Example("-p tcp -m multiport --dport 22", saved="-p tcp -m multiport --dports 22"),
        Example("-p udplite -m multiport ! --source-ports 5", saved="-p udplite -m multiport ! --sports 5"),
        Example("-p 33 -m multiport --ports 0x10,010", saved="-p dccp -m multiport --ports 16,8"),
        Example("-p sctp -m multiport --destination-ports 1,2,3,4,5,6,7,8,9,10,11,12,13,14:15",
                saved="-p sctp -m multiport --dports 1,2,3,4,5,6,7,8,9,10,11,12,13,14:15"),
        Example('-p udp -m multiport --dports "53, 123"', saved="-p udp -m multiport --dports 53,123"),
    ),
    invalid=(
        "-p tcp -m multiport",
        "-m multiport --dports 80",
        "-m multiport --dports 80 -p tcp",
        "! -p tcp -m multiport --dports 80",
        "-p icmp -m multiport --dports 80",
        "-p tcp -m multiport --dports 80:",
        "-p tcp -m multiport --dports 80:80",
        "-p tcp -m multiport --dports 80,",
        "-p tcp -m multiport --dports 80 --sports 81",
        "-p tcp -m multiport --dports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16",
        "-p tcp -m multiport --dports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15:16",
    ),
)  # fmt: skip
