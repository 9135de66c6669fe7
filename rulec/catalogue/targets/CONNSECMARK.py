"""CONNSECMARK: copy the SELinux mark of the packet to its connection, or back.

It makes one SECMARK rule for the first packet of a connection enough.  Tracking
keeps the copy: one such rule has every packet of the family tracked.
"""

from __future__ import annotations

from rulec.catalogue.extension import Example, Extension, Option, Tracking
from rulec.catalogue.options import exclusive

EXTENSION = Extension(
    name="CONNSECMARK",
    summary="copy the SELinux mark of the packet to its connection, or back",
    modules=("xt_CONNSECMARK", "nf_conntrack"),
    tracking=Tracking.TRACKS,
    tables=("mangle", "security"),
    options=exclusive(Option("--save"), Option("--restore")),
    one_of=(("--save", "--restore"),),
    valid=(
        Example("-j CONNSECMARK --save", table="security"),
        Example("-j CONNSECMARK --restore", table="mangle", chain="PREROUTING"),
    ),
    invalid=(
        Example("-j CONNSECMARK", table="mangle"),
        Example("-j CONNSECMARK --save --restore", table="mangle"),
    ),
    refused=("-j CONNSECMARK --save", Example("-j CONNSECMARK --save", table="raw", chain="PREROUTING")),
)
