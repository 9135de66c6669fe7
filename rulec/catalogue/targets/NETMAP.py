"""NETMAP: put one network in place of another in the address, and leave the host part as it is.

In PREROUTING and OUTPUT the destination changes, in INPUT and POSTROUTING the
source.  It is NAT: one such rule has every packet of the family tracked.
"""

from __future__ import annotations

from rulec.catalogue.extension import IPV4, IPV6, Example, Extension, Option, Tracking
from rulec.catalogue.values.addresses import Addressed
from rulec.catalogue.values.hosts import HOST_AND_LENGTH
from rulec.model import Family


def _read(family: Family, text: str) -> Addressed:
    address, mask = HOST_AND_LENGTH.read(family, text)
    return Addressed(family, (address & mask, mask))


NETWORK = HOST_AND_LENGTH._replace(read=_read)
"""The network that takes the place of the other."""

EXTENSION = Extension(
    name="NETMAP",
    summary="put one network in place of another in the address",
    modules=("xt_NETMAP", "nf_nat", "nf_conntrack"),
    tracking=Tracking.TRACKS,
    tables=("nat",),
    options=(Option("--to", NETWORK, required=True),),
    valid=(
        Example("-j NETMAP --to 192.0.2.0/24", table="nat", chain="PREROUTING", families=IPV4),
        Example("-j NETMAP --to 192.0.2.1", saved="-j NETMAP --to 192.0.2.1/32", table="nat", families=IPV4),
        Example("-j NETMAP --to 10.1.2.3/255.255.0.0", saved="-j NETMAP --to 10.1.0.0/16", table="nat",
                chain="OUTPUT", families=IPV4),
        Example("-j NETMAP --to 10.1/8", saved="-j NETMAP --to 10.0.0.0/8", table="nat", chain="POSTROUTING",
                families=IPV4),
        Example("-j NETMAP --to 2001:db8::1/64", saved="-j NETMAP --to 2001:db8::/64", table="nat",
                chain="POSTROUTING", families=IPV6),
    ),
    invalid=(
        Example("-j NETMAP", table="nat", chain="PREROUTING"),
        Example("-j NETMAP --to 192.0.2.0/", table="nat", chain="PREROUTING", families=IPV4),
        Example("-j NETMAP --to 2001:db8::/129", table="nat", chain="PREROUTING", families=IPV6),
        Example("-j NETMAP --to 192.0.2.0/24", table="nat", chain="PREROUTING", families=IPV6),
    ),
    refused=(
        Example("-j NETMAP --to 192.0.2.0/24", families=IPV4),
        Example("-j NETMAP --to 2001:db8::/64", table="mangle", chain="PREROUTING", families=IPV6),
    ),
)  # fmt: skip
