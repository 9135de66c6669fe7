"""DSCP: set the six bits of the IP header that say how routers are to treat the packet.

The two bits of congestion notification beside them stay.  The packet goes on
with the next rule.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Example, Extension, Given, Option
from rulec.catalogue.options import exclusive
from rulec.catalogue.values.dscp import DSCP, DSCP_CLASS, show_dscp

OPTIONS = exclusive(Option("--set-dscp", DSCP), Option("--set-dscp-class", DSCP_CLASS))


def _save(given: Given) -> Iterator[str]:
    (use,) = given
    yield from ("--set-dscp", show_dscp(use.value))


EXTENSION = Extension(
    name="DSCP",
    summary="set the six bits of the IP header that say how routers are to treat the packet",
    modules=("xt_DSCP",),
    tables=("mangle",),
    options=OPTIONS,
    one_of=(tuple(option.name for option in OPTIONS),),
    save=_save,
    valid=(
        Example("-j DSCP --set-dscp 0x3f", table="mangle"),
        Example("-j DSCP --set-dscp 8", saved="-j DSCP --set-dscp 0x08", table="mangle", chain="PREROUTING"),
        Example("-j DSCP --set-dscp-class ef", saved="-j DSCP --set-dscp 0x2e", table="mangle"),
        Example("-j DSCP --set-dscp-class CS10", saved="-j DSCP --set-dscp 0x08", table="mangle"),
    ),
    invalid=(
        Example("-j DSCP", table="mangle"),
        Example("-j DSCP --set-dscp 64", table="mangle"),
        Example("-j DSCP --set-dscp-class E", table="mangle"),
        Example("-j DSCP --set-dscp 1 --set-dscp-class EF", table="mangle"),
    ),
    refused=("-j DSCP --set-dscp 1",),
)
