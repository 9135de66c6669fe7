"""NOTRACK: leave the packet out of connection tracking.

The older name of ``-j CT --notrack``, and the same to the kernel; iptables-save
keeps the name that was used.  An untracked packet is UNTRACKED and neither NEW
nor ESTABLISHED, and NAT passes it by.  A rule holds for one direction: the
packets of the other need one of their own, in the other chain of the table raw.
It needs the module nf_conntrack, and has nothing tracked.
"""

from __future__ import annotations

from rulec.catalogue.extension import Example, Extension, Tracking

EXTENSION = Extension(
    name="NOTRACK",
    summary="leave the packet out of connection tracking",
    modules=("xt_CT", "nf_conntrack"),
    tracking=Tracking.LOADS,
    tables=("raw",),
    valid=(
        Example("-j NOTRACK", table="raw", chain="PREROUTING"),
        Example("-p udp -m udp --sport 53 -j NOTRACK", table="raw", chain="OUTPUT"),
    ),
    invalid=(Example("-j NOTRACK --notrack", table="raw", chain="PREROUTING"),),
    refused=("-j NOTRACK", Example("-j NOTRACK", table="mangle", chain="PREROUTING")),
)
