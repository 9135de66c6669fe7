"""SNPT: put one IPv6 prefix in place of another in the source, packet by packet (RFC 6296).

It is translation without memory: no connection is tracked, and the other
direction needs a DNPT rule with the prefixes changed round.  The rest of the
address changes by a few bits, so that checksums stay right.
"""

from __future__ import annotations

from rulec.catalogue.extension import IPV6, Example, Extension
from rulec.catalogue.values.npt import OPTIONS

EXTENSION = Extension(
    name="SNPT",
    summary="put one IPv6 prefix in place of another in the source, packet by packet",
    families=IPV6,
    modules=("ip6t_NPT",),
    tables=("mangle",),
    hooks=("INPUT", "POSTROUTING"),
    options=OPTIONS,
    valid=(
        Example("-j SNPT --src-pfx fd00::/48 --dst-pfx 2001:db8::/48", table="mangle", chain="POSTROUTING"),
        Example("-j SNPT --dst-pfx ::/0 --src-pfx fd00::/64", table="mangle", chain="INPUT",
                saved="-j SNPT --src-pfx fd00::/64"),
    ),
    invalid=(
        Example("-j SNPT --dst-pfx fd00::/48", table="mangle", chain="POSTROUTING"),
        Example("-j SNPT --src-pfx fd00::/48 --dst-pfx x", table="mangle", chain="POSTROUTING"),
    ),
    refused=(
        Example("-j SNPT --src-pfx fd00::1/48 --dst-pfx 2001:db8::/48", table="mangle", chain="POSTROUTING"),
        Example("-j SNPT --src-pfx fd00::/48 --dst-pfx 2001:db8::/72", table="mangle", chain="POSTROUTING"),
        Example("-j SNPT --src-pfx fd00::/48 --dst-pfx 2001:db8::/48", table="mangle", chain="PREROUTING"),
    ),
)  # fmt: skip
