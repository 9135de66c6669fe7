"""rpfilter: match when the answer would leave by the interface that the packet came in on.

Only in the tables raw and mangle, and where PREROUTING reaches.  Used with
``--invert`` it finds spoofed sources; it does per packet what the sysctl
rp_filter does for IPv4, and for IPv6 there is no such sysctl.
"""

from __future__ import annotations

from rulec.catalogue.extension import Example, Extension, Option

EXTENSION = Extension(
    name="rpfilter",
    summary="match when the answer would leave by the interface that the packet came in on",
    modules=("ipt_rpfilter", "ip6t_rpfilter"),
    tables=("raw", "mangle"),
    hooks=("PREROUTING",),
    options=(
        Option("--loose"),
        Option("--validmark"),
        Option("--accept-local"),
        Option("--invert"),
    ),
    valid=(
        Example("-m rpfilter", table="mangle", chain="PREROUTING"),
        Example("-m rpfilter --invert --accept-local --validmark --loose", table="raw", chain="PREROUTING",
                saved="-m rpfilter --loose --validmark --accept-local --invert"),
    ),
    invalid=(
        Example("-m rpfilter ! --loose", table="raw", chain="PREROUTING"),
        Example("-m rpfilter --loose --loose", table="raw", chain="PREROUTING"),
    ),
    refused=(
        "-m rpfilter",
        Example("-m rpfilter", table="nat", chain="PREROUTING"),
        Example("-m rpfilter", table="mangle", chain="INPUT"),
    ),
)  # fmt: skip
