"""Which family a ruleset is for, where nobody says so."""

from __future__ import annotations

import re

from rulec.model import Family

_NAME_OF_6 = re.compile(r"(ip6|v6|ipv6|6\.rules|rules6)", re.IGNORECASE)
_NAME_OF_4 = re.compile(r"(ip4|v4|ipv4|iptables)", re.IGNORECASE)
_ADDRESS_OF_6 = re.compile(
    r"(?:-s|-d|--source|--destination|--src|--dst)[ =][0-9a-fA-F:]*::?[0-9a-fA-F:]*(?:/\d+)?(?=\s)"
)
_OF_6 = re.compile(r"icmpv6|icmp6|ip6tables-save")
_OF_4 = re.compile(r"(?:-s|-d) \d+\.\d+\.\d+|-p icmp |--icmp-type|(?<!6)tables-save")


def guess(name: str, text: str) -> Family:
    """The family that the name of the file tells, or else what stands in it; IPv4 when nothing does."""
    base = name.rsplit("/", 1)[-1]
    if _NAME_OF_6.search(base):
        return Family.IPV6
    if _NAME_OF_4.search(base):
        return Family.IPV4
    six = len(_ADDRESS_OF_6.findall(text)) + len(_OF_6.findall(text))
    four = len(_OF_4.findall(text))
    return Family.IPV6 if six > four else Family.IPV4
