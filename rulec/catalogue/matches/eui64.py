"""eui64: match when the last 64 bits of the IPv6 source address are made of the MAC address.

Only packets from an Ethernet have one, so the match stands where they come in.
"""

from __future__ import annotations

from rulec.catalogue.extension import IPV6, Example, Extension

EXTENSION = Extension(
    name="eui64",
    summary="match when the last 64 bits of the IPv6 source address are made of the MAC address",
    families=IPV6,
    modules=("ip6t_eui64",),
    hooks=("PREROUTING", "INPUT", "FORWARD"),
    valid=(
        Example("-m eui64"),
        Example("-m eui64", table="raw", chain="PREROUTING"),
    ),
    invalid=("! -m eui64", "-m eui64 --eui64"),
    refused=(
        Example("-m eui64", chain="OUTPUT"),
        Example("-m eui64", table="mangle", chain="POSTROUTING"),
    ),
)
