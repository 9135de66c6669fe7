"""MASQUERADE: SNAT to whatever address the outgoing interface has just then.

Connections are forgotten when the interface goes down, which is what one wants
of an address that changes and not of one that stays: there SNAT is better.  It
has every packet of the family tracked, as SNAT does.
"""

from __future__ import annotations

from rulec.catalogue.extension import Example, Extension, Option, Tracking
from rulec.catalogue.values.nat import MASQUERADE_PORTS, needs_ported_protocol

EXTENSION = Extension(
    name="MASQUERADE",
    summary="SNAT to whatever address the outgoing interface has just then",
    modules=("xt_MASQUERADE", "nf_nat", "nf_conntrack"),
    tracking=Tracking.TRACKS,
    tables=("nat",),
    hooks=("POSTROUTING",),
    options=(
        Option("--to-ports", MASQUERADE_PORTS, check=needs_ported_protocol),
        Option("--random"),
        Option("--random-fully"),
    ),
    valid=(
        Example("-j MASQUERADE", table="nat", chain="POSTROUTING"),
        Example("-j MASQUERADE --random-fully --random", saved="-j MASQUERADE --random --random-fully", table="nat",
                chain="POSTROUTING"),
        Example("-p tcp -j MASQUERADE --to-ports 1024-65535", table="nat", chain="POSTROUTING"),
        Example("-p udp -j MASQUERADE --to-ports domain", saved="-p udp -j MASQUERADE --to-ports 53", table="nat",
                chain="POSTROUTING"),
        Example("-p tcp -j MASQUERADE --to-ports 10-20/5", saved="-p tcp -j MASQUERADE --to-ports 10-20/0",
                table="nat", chain="POSTROUTING"),
    ),
    invalid=(
        Example("-j MASQUERADE --to-ports 80", table="nat", chain="POSTROUTING"),
        Example("-p tcp -j MASQUERADE --to-ports 10:20", table="nat", chain="POSTROUTING"),
        Example("-p tcp -j MASQUERADE --to-ports 1024-65536", table="nat", chain="POSTROUTING"),
        Example("-j MASQUERADE --persistent", table="nat", chain="POSTROUTING"),
    ),
    refused=(
        "-j MASQUERADE",
        Example("-j MASQUERADE", table="nat", chain="PREROUTING"),
        Example("-j MASQUERADE", table="nat", chain="INPUT"),
    ),
)  # fmt: skip
