"""state: match on the state of the packet's connection; the older form of ``conntrack --ctstate``.

Since iptables 1.4.16 it is the same match in the kernel, and says the same.
One rule with it has every packet of its family tracked.  SNAT and DNAT are no
states here.
"""

from __future__ import annotations

from rulec.catalogue.extension import Example, Extension, Option, Tracking
from rulec.catalogue.values.abbreviated import abbreviated

STATES = abbreviated(("INVALID", "NEW", "RELATED", "ESTABLISHED", "UNTRACKED"), "a state such as NEW or ESTABLISHED")
"""States in the order of iptables-save; ``e`` is enough for ESTABLISHED."""

EXTENSION = Extension(
    name="state",
    summary="match on the state of the packet's connection; the older form of conntrack --ctstate",
    modules=("xt_conntrack", "nf_conntrack"),
    tracking=Tracking.TRACKS,
    options=(Option("--state", STATES, invertible=True, required=True),),
    valid=(
        Example("-m state --state ESTABLISHED,RELATED", saved="-m state --state RELATED,ESTABLISHED"),
        Example("-m state ! --state new,Inv", saved="-m state ! --state INVALID,NEW"),
        Example("-m state --state UNTRACKED", table="raw", chain="PREROUTING"),
    ),
    invalid=(
        "-m state",
        "-m state --state SNAT",
        "-m state --state NEW,,RELATED",
        "-m state --state NEW, RELATED",
        "-m state --state NEW --state RELATED",
    ),
)
