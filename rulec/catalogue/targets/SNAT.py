"""SNAT: give the connection another source: address, port or both.

Only the first packet of a connection meets the rule; tracking then translates
all others and the replies, so that loading one such rule has every packet of
the family tracked, and an untracked packet is not translated.  The kernel keeps
the port where it can.  A shift behind a range of ports (``10-20/5``) is read,
forgotten, and saved as ``10-20/0``, which iptables-restore does not take back.
"""

from __future__ import annotations

from rulec.catalogue.extension import IPV4, IPV6, Example, Extension, Option, Tracking
from rulec.catalogue.values.nat import SOURCE, needs_ported_protocol

EXTENSION = Extension(
    name="SNAT",
    summary="give the connection another source: address, port or both",
    modules=("xt_nat", "nf_nat", "nf_conntrack"),
    tracking=Tracking.TRACKS,
    tables=("nat",),
    hooks=("INPUT", "POSTROUTING"),
    options=(
        Option("--to-source", SOURCE, required=True, check=needs_ported_protocol),
        Option("--random"),
        Option("--random-fully"),
        Option("--persistent"),
    ),
    valid=(
        Example("-j SNAT --to-source 192.0.2.1", table="nat", chain="POSTROUTING", families=IPV4),
        Example("-j SNAT --to-source 192.0.2.1-192.0.2.9 --persistent --random-fully --random", table="nat",
                chain="INPUT", saved="-j SNAT --to-source 192.0.2.1-192.0.2.9 --random --random-fully --persistent",
                families=IPV4),
        Example("-p tcp -j SNAT --to-source :1024-65535", table="nat", chain="POSTROUTING"),
        Example("-p tcp -j SNAT --to-source 192.0.2.1:10-20/5", table="nat", chain="POSTROUTING",
                saved="-p tcp -j SNAT --to-source 192.0.2.1:10-20/0", families=IPV4),
        Example("-p udp -j SNAT --to-source [2001:db8::1-2001:db8::9]:1024-65535", table="nat", chain="POSTROUTING",
                families=IPV6),
    ),
    invalid=(
        Example("-j SNAT", table="nat", chain="POSTROUTING"),
        Example("-j SNAT --to-source :80", table="nat", chain="POSTROUTING"),
        Example("-p tcp -j SNAT --to-source :65536", table="nat", chain="POSTROUTING"),
        Example("-j SNAT --to-source 192.0.2.1 --to-source 192.0.2.2", table="nat", chain="POSTROUTING",
                families=IPV4),
        Example("-j SNAT --to-source 2001:db8::1", table="nat", chain="POSTROUTING", families=IPV4),
        Example("-j SNAT --to-source 192.0.2.1", table="nat", chain="POSTROUTING", families=IPV6),
    ),
    refused=(
        Example("-j SNAT --to-source 192.0.2.1", table="nat", chain="PREROUTING", families=IPV4),
        Example("-j SNAT --to-source 192.0.2.1", table="nat", chain="OUTPUT", families=IPV4),
        Example("-j SNAT --to-source 2001:db8::1", table="mangle", chain="POSTROUTING", families=IPV6),
    ),
)  # fmt: skip
