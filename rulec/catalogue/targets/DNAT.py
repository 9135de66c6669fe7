"""DNAT: give the connection another destination: address, port or both.

Only the first packet of a connection meets the rule; tracking then translates
all others and the replies, so that loading one such rule has every packet of
the family tracked, and an untracked packet is not translated.  Later chains see
the new destination.  From a range the kernel picks one address a connection, by
the addresses of both ends; ``--persistent`` picks by the client alone.
"""

from __future__ import annotations

from rulec.catalogue.extension import IPV4, IPV6, Example, Extension, Option, Tracking
from rulec.catalogue.values.nat import DESTINATION, needs_ported_protocol

EXTENSION = Extension(
    name="DNAT",
    summary="give the connection another destination: address, port or both",
    modules=("xt_nat", "nf_nat", "nf_conntrack"),
    tracking=Tracking.TRACKS,
    tables=("nat",),
    hooks=("PREROUTING", "OUTPUT"),
    options=(
        Option("--to-destination", DESTINATION, required=True, check=needs_ported_protocol),
        Option("--random"),
        Option("--persistent"),
    ),
    valid=(
        Example("-j DNAT --to-destination 192.0.2.1", table="nat", chain="PREROUTING", families=IPV4),
        Example("-p tcp -j DNAT --to-destination 192.0.2.1-192.0.2.9:http --persistent --random", table="nat",
                chain="OUTPUT", saved="-p tcp -j DNAT --to-destination 192.0.2.1-192.0.2.9:80 --random --persistent",
                families=IPV4),
        Example("-p tcp -j DNAT --to-destination 192.0.2.1-192.0.2.1:0x50-80", table="nat", chain="PREROUTING",
                saved="-p tcp -j DNAT --to-destination 192.0.2.1:80", families=IPV4),
        Example("-p udp -j DNAT --to-destination :1000-2000/5000", table="nat", chain="PREROUTING"),
        Example("-p sctp -j DNAT --to-destination 12:80", saved="-p sctp -j DNAT --to-destination :80", table="nat",
                chain="PREROUTING"),
        Example("-p icmp -j DNAT --to-destination 192.0.2.1:8", table="nat", chain="PREROUTING", families=IPV4),
        Example("! -p tcp -j DNAT --to-destination 192.0.2.1:8", table="nat", chain="PREROUTING", families=IPV4),
        Example("-j DNAT --to-destination [2001:db8::1-2001:db8::9]", table="nat", chain="PREROUTING",
                saved="-j DNAT --to-destination 2001:db8::1-2001:db8::9", families=IPV6),
        Example("-p tcp -j DNAT --to-destination [2001:db8::1]:8080", table="nat", chain="PREROUTING", families=IPV6),
    ),
    invalid=(
        Example("-j DNAT", table="nat", chain="PREROUTING"),
        Example("-j DNAT --to-destination 192.0.2.1:80", table="nat", chain="PREROUTING"),
        Example("-p esp -j DNAT --to-destination :80", table="nat", chain="PREROUTING"),
        Example("-p tcp -j DNAT --to-destination localhost", table="nat", chain="PREROUTING"),
        Example("-p tcp -j DNAT --to-destination 192.0.2:80", table="nat", chain="PREROUTING", families=IPV4),
        Example("-p tcp -j DNAT --to-destination 192.0.2.1:90-80", table="nat", chain="PREROUTING", families=IPV4),
        Example("-p tcp -j DNAT --to-destination 192.0.2.1:http-https", table="nat", chain="PREROUTING",
                families=IPV4),
        Example("-p tcp -j DNAT --to-destination 192.0.2.1:80:90", table="nat", chain="PREROUTING", families=IPV4),
        Example("-p tcp -j DNAT --to-destination 192.0.2.1 --random-fully", table="nat", chain="PREROUTING",
                families=IPV4),
        Example("-p tcp -j DNAT --to-destination [192.0.2.1]:80", table="nat", chain="PREROUTING", families=IPV4),
        Example("-p tcp -j DNAT --to-destination :10-20/0", table="nat", chain="PREROUTING"),
    ),
    refused=(
        Example("-j DNAT --to-destination 192.0.2.1", table="nat", chain="POSTROUTING", families=IPV4),
        Example("-j DNAT --to-destination 192.0.2.1", table="nat", chain="INPUT", families=IPV4),
        Example("-j DNAT --to-destination 2001:db8::1", table="filter", chain="INPUT", families=IPV6),
    ),
)  # fmt: skip
