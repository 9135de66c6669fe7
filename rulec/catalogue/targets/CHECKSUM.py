"""CHECKSUM: compute the checksum of the packet now, in place of the network card later.

For programs in virtual machines, such as old DHCP clients, that look at the
checksum of packets which never cross a card.  The packet goes on with the next
rule.
"""

from __future__ import annotations

from rulec.catalogue.extension import Example, Extension, Option

EXTENSION = Extension(
    name="CHECKSUM",
    summary="compute the checksum of the packet now, in place of the network card later",
    modules=("xt_CHECKSUM",),
    tables=("mangle",),
    options=(Option("--checksum-fill", required=True),),
    valid=(
        Example("-j CHECKSUM --checksum-fill", table="mangle"),
        Example("-p udp -m udp --dport 68 -j CHECKSUM --checksum-fill", table="mangle", chain="POSTROUTING"),
    ),
    invalid=(Example("-j CHECKSUM", table="mangle"), Example("-j CHECKSUM ! --checksum-fill", table="mangle")),
    refused=("-j CHECKSUM --checksum-fill",),
)
