"""DNPT: put one IPv6 prefix in place of another in the destination, packet by packet (RFC 6296).

It is translation without memory: no connection is tracked, and the other
direction needs an SNPT rule with the prefixes changed round.  The rest of the
address changes by a few bits, so that checksums stay right.
"""

from __future__ import annotations

from rulec.catalogue.extension import IPV6, Example, Extension
from rulec.catalogue.values.npt import OPTIONS

EXTENSION = Extension(
    name="DNPT",
    summary="put one IPv6 prefix in place of another in the destination, packet by packet",
    families=IPV6,
    modules=("ip6t_NPT",),
    tables=("mangle",),
    hooks=("PREROUTING", "OUTPUT"),
    options=OPTIONS,
    valid=(
        Example("-j DNPT --src-pfx 2001:db8::/32 --dst-pfx fd00::/48", table="mangle", chain="PREROUTING"),
        Example("-j DNPT --dst-pfx fd00::/64 --src-pfx ::/0", table="mangle", chain="OUTPUT",
                saved="-j DNPT --dst-pfx fd00::/64"),
        Example("-j DNPT --dst-pfx fd00::/ffff:: --src-pfx fc00::/16", table="mangle", chain="PREROUTING",
                saved="-j DNPT --src-pfx fc00::/16 --dst-pfx fd00::/16"),
    ),
    invalid=(
        Example("-j DNPT --src-pfx 2001:db8::/32", table="mangle", chain="PREROUTING"),
        Example("-j DNPT --src-pfx 192.0.2.0/24 --dst-pfx fd00::/48", table="mangle", chain="PREROUTING"),
    ),
    refused=(
        Example("-j DNPT --src-pfx 2001:db8::1/32 --dst-pfx fd00::/48", table="mangle", chain="PREROUTING"),
        Example("-j DNPT --src-pfx 2001:db8::/65 --dst-pfx fd00::/48", table="mangle", chain="PREROUTING"),
        Example("-j DNPT --src-pfx 2001:db8:: --dst-pfx fd00::/48", table="mangle", chain="PREROUTING"),
        Example("-j DNPT --src-pfx 2001:db8::/32 --dst-pfx fd00::/48", table="mangle", chain="POSTROUTING"),
        Example("-j DNPT --src-pfx 2001:db8::/32 --dst-pfx fd00::/48", table="nat", chain="PREROUTING"),
    ),
)  # fmt: skip
