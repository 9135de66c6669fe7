"""Protocols, by number or name."""

from __future__ import annotations

from rulec.catalogue.extension import Value
from rulec.catalogue.values.numbers import integer
from rulec.model import Family
from rulec.model.protocols import NAMES, NUMBERS


def protocol(text: str) -> int:
    """The number of a protocol; ValueError when it is unknown."""
    try:
        return integer(text, 0, 255)
    except ValueError:
        if text in NUMBERS:
            return NUMBERS[text]
    raise ValueError(f"{text!r} is not a known protocol")


def show_protocol(number: int) -> str:
    """Its name where it has one."""
    return NAMES.get(number, str(number))


def _read_ignoring_case(family: Family, text: str) -> int:
    return protocol(text.lower())


# The second names of /etc/protocols that are not simply the first in capitals.
_SECOND_NAMES = {
    "IP-ENCAP": "ipencap", "IPv6": "ipv6", "IPv6-Route": "ipv6-route", "IPv6-Frag": "ipv6-frag", "IPSEC-ESP": "esp",
    "IPSEC-AH": "ah", "IPv6-ICMP": "ipv6-icmp", "IPv6-NoNxt": "ipv6-nonxt", "IPv6-Opts": "ipv6-opts",
    "OSPFIGP": "ospf", "Mobility-Header": "mobility-header", "UDPLite": "udplite", "MPLS-in-IP": "mpls-in-ip",
    "Shim6": "shim6", "Ethernet": "ethernet",
}  # fmt: skip
_WITHOUT_CAPITALS = frozenset((*_SECOND_NAMES.values(), "all", "icmpv6", "ipv6-mh", "mh", "manet"))


def _read_either_name(family: Family, text: str) -> int:
    lower = _SECOND_NAMES.get(text, text.lower())
    if text in _SECOND_NAMES or (text.isupper() and lower not in _WITHOUT_CAPITALS):
        return protocol(lower)
    return protocol(text)


PROTOCOL = Value(("PROTOCOL",), "a protocol, by name or number", _read_either_name, show_protocol)
"""A protocol number; names are spelled as in /etc/protocols, ``tcp`` or ``TCP``."""

PROTOCOL_ANY_CASE = PROTOCOL._replace(read=_read_ignoring_case)
"""What stands after ``-p``, which iptables turns into lower case first."""
