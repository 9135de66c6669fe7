"""TRACE: have every rule that the packet meets from here on written to the kernel's log.

The packet goes on with the next rule, and the log says where it went.  The
legacy tables have it in raw alone, which comes first.
"""

from __future__ import annotations

from rulec.catalogue.extension import Example, Extension

EXTENSION = Extension(
    name="TRACE",
    summary="have every rule that the packet meets from here on written to the kernel's log",
    modules=("xt_TRACE", "nf_log_syslog"),
    tables=("raw",),
    valid=(
        Example("-j TRACE", table="raw", chain="PREROUTING"),
        Example("-p icmp -j TRACE", table="raw", chain="OUTPUT"),
    ),
    invalid=(Example("-j TRACE --log-level 4", table="raw", chain="PREROUTING"),),
    refused=("-j TRACE", Example("-j TRACE", table="mangle", chain="PREROUTING")),
)
