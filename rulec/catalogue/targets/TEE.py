"""TEE: send a copy of the packet to another host of the same network, and go on with the next rule.

The copy goes to the gateway by its MAC address and is otherwise unchanged, so
the gateway has to know what to do with it.
"""

from __future__ import annotations

from rulec.catalogue.extension import IPV4, IPV6, Example, Extension, Option, Unloadable
from rulec.catalogue.values.addresses import Addressed
from rulec.catalogue.values.hosts import LOOKED_UP_HOST
from rulec.catalogue.values.text import text
from rulec.model import Family


def _read_gateway(family: Family, word: str) -> Addressed:
    value: Addressed = LOOKED_UP_HOST.read(family, word)
    if not value[0]:
        raise Unloadable(f"{word} is no host, and the kernel refuses it")
    return value


GATEWAY = LOOKED_UP_HOST._replace(read=_read_gateway)
"""The host that gets the copy."""

EXTENSION = Extension(
    name="TEE",
    summary="send a copy of the packet to another host of the same network",
    modules=("xt_TEE", "nf_dup_ipv4", "nf_dup_ipv6"),
    options=(Option("--gateway", GATEWAY, required=True), Option("--oif", text(limit=15, show=str), silent="")),
    valid=(
        Example("-j TEE --gateway 192.0.2.1", families=IPV4),
        Example("-j TEE --oif eth0 --gateway 10.1", saved="-j TEE --gateway 10.0.0.1 --oif eth0", families=IPV4),
        Example('-j TEE --gateway localhost --oif ""', saved="-j TEE --gateway 127.0.0.1", families=IPV4),
        Example("-j TEE --gateway 2001:db8::1 --oif a-name-of-more-than-15-bytes", table="mangle", chain="PREROUTING",
                saved="-j TEE --gateway 2001:db8::1 --oif a-name-of-more-", families=IPV6),
    ),
    invalid=(
        "-j TEE",
        "-j TEE --oif eth0",
        Example("-j TEE --gateway 192.0.2.1/32", families=IPV4),
        Example("-j TEE --gateway 2001:db8::1", families=IPV4),
    ),
    refused=(
        Example("-j TEE --gateway 0.0.0.0", families=IPV4),
        Example("-j TEE --gateway ::", families=IPV6),
    ),
)  # fmt: skip
