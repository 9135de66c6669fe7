"""REDIRECT: DNAT to this host.

The new destination is the address of the interface on which the packet came in,
and the loopback address for packets of this host itself.  Without
``--to-ports`` the port stays.  It has every packet of the family tracked, as
DNAT does, and an untracked packet is not redirected.
"""

from __future__ import annotations

from rulec.catalogue.extension import Example, Extension, Option, Tracking
from rulec.catalogue.values.nat import LOCAL_PORTS, needs_ported_protocol

EXTENSION = Extension(
    name="REDIRECT",
    summary="DNAT to this host",
    modules=("xt_REDIRECT", "nf_nat", "nf_conntrack"),
    tracking=Tracking.TRACKS,
    tables=("nat",),
    hooks=("PREROUTING", "OUTPUT"),
    options=(Option("--to-ports", LOCAL_PORTS, check=needs_ported_protocol), Option("--random")),
    valid=(
        Example("-j REDIRECT", table="nat", chain="PREROUTING"),
        Example("-p tcp -j REDIRECT --to-ports 8080", table="nat", chain="OUTPUT"),
        Example("-p udp -j REDIRECT --random --to-ports ftp-data", table="nat", chain="PREROUTING",
                saved="-p udp -j REDIRECT --to-ports 20 --random"),
        Example("-p tcp -j REDIRECT --to-ports 7-7", saved="-p tcp -j REDIRECT --to-ports 7", table="nat",
                chain="PREROUTING"),
        Example("-p tcp -j REDIRECT --to-ports 42-1234", table="nat", chain="PREROUTING"),
    ),
    invalid=(
        Example("-j REDIRECT --to-ports 8080", table="nat", chain="PREROUTING"),
        Example("-p tcp -j REDIRECT --to-ports 42-1234/567", table="nat", chain="PREROUTING"),
        Example("-p tcp -j REDIRECT --to-ports 65536", table="nat", chain="PREROUTING"),
        Example("-p tcp -j REDIRECT --to-ports 10-ssh", table="nat", chain="PREROUTING"),
        Example("-p tcp -j REDIRECT --to-ports :80", table="nat", chain="PREROUTING"),
    ),
    refused=(
        Example("-j REDIRECT", table="nat", chain="POSTROUTING"),
        Example("-j REDIRECT", table="nat", chain="INPUT"),
        Example("-j REDIRECT", table="filter"),
    ),
)  # fmt: skip
