"""conntrack: match on what connection tracking knows about the packet.

The state belongs to the connection, not to the packet: NEW, ESTABLISHED,
RELATED, INVALID, or UNTRACKED; SNAT and DNAT tell whether an address was
rewritten.  One rule with this match has every packet of its family tracked,
wherever the rule stands.  In the table raw nothing is tracked yet, and each
packet but those on the loopback is INVALID there.

Addresses keep their host bits, which the kernel overlooks, and a mask with
gaps silently means the one host.  Negating ``--ctproto 0`` is allowed.
"""

from __future__ import annotations

from rulec.catalogue.extension import IPV4, IPV6, Example, Extension, Option, Tracking
from rulec.catalogue.values.abbreviated import abbreviated
from rulec.catalogue.values.hosts import HOST_AND_MASK
from rulec.catalogue.values.numbers import colon_range, number_range
from rulec.catalogue.values.ports import PORTS_EITHER_WAY
from rulec.catalogue.values.protocols import PROTOCOL
from rulec.catalogue.values.text import choice

STATES = ("INVALID", "NEW", "RELATED", "ESTABLISHED", "UNTRACKED")
"""The states of a packet, in the order in which iptables-save prints them."""

CT_STATES = abbreviated((*STATES, "SNAT", "DNAT"), "a state such as NEW or ESTABLISHED")
"""States and the two kinds of translation; ``e`` is enough for ESTABLISHED."""

CT_STATUS = abbreviated(("EXPECTED", "SEEN_REPLY", "ASSURED", "CONFIRMED"), "a status such as ASSURED", empty="NONE")
"""What is true of the connection; NONE stands for nothing."""

DIRECTION = choice(("ORIGINAL", "REPLY"), "ORIGINAL or REPLY", ignore_case=True)
"""Which end of the connection has sent the packet."""

_PORTS = PORTS_EITHER_WAY._replace(show=lambda pair: str(pair[0]) if pair[1] == 0 else colon_range(pair))

EXTENSION = Extension(
    name="conntrack",
    summary="match on what connection tracking knows about the packet",
    modules=("xt_conntrack", "nf_conntrack"),
    tracking=Tracking.TRACKS,
    options=(
        Option("--ctstate", CT_STATES, invertible=True),
        Option("--ctproto", PROTOCOL._replace(show=str), invertible=True),
        Option("--ctorigsrc", HOST_AND_MASK, invertible=True),
        Option("--ctorigdst", HOST_AND_MASK, invertible=True),
        Option("--ctreplsrc", HOST_AND_MASK, invertible=True),
        Option("--ctrepldst", HOST_AND_MASK, invertible=True),
        Option("--ctorigsrcport", _PORTS, invertible=True),
        Option("--ctorigdstport", _PORTS, invertible=True),
        Option("--ctreplsrcport", _PORTS, invertible=True),
        Option("--ctrepldstport", _PORTS, invertible=True),
        Option("--ctstatus", CT_STATUS, invertible=True),
        Option("--ctexpire", number_range(), invertible=True),
        Option("--ctdir", DIRECTION),
    ),
    one_of=(
        (
            "--ctstate", "--ctproto", "--ctorigsrc", "--ctorigdst", "--ctreplsrc", "--ctrepldst", "--ctorigsrcport",
            "--ctorigdstport", "--ctreplsrcport", "--ctrepldstport", "--ctstatus", "--ctexpire", "--ctdir",
        ),
    ),
    valid=(
        Example("-m conntrack --ctstate ESTABLISHED,RELATED", saved="-m conntrack --ctstate RELATED,ESTABLISHED"),
        Example("-m conntrack ! --ctstate inv,n,u,snat,dnat",
                saved="-m conntrack ! --ctstate INVALID,NEW,UNTRACKED,SNAT,DNAT"),
        Example("-m conntrack --ctproto tcp", saved="-m conntrack --ctproto 6"),
        Example("-m conntrack ! --ctproto 0"),
        Example("-m conntrack --ctorigsrc 10.1 ! --ctorigdst 10.0.0.1/8", families=IPV4,
                saved="-m conntrack --ctorigsrc 10.0.0.1 ! --ctorigdst 10.0.0.1/8"),
        Example("-m conntrack --ctreplsrc 10.0.0.1/255.0.255.0 --ctrepldst 0/0", families=IPV4,
                saved="-m conntrack --ctreplsrc 10.0.0.1 --ctrepldst 0.0.0.0/0"),
        Example("-m conntrack --ctorigsrc 2001:db8::/32 ! --ctrepldst ::1", families=IPV6),
        Example("-m conntrack --ctorigsrcport 1024: ! --ctorigdstport http --ctreplsrcport 9:3 --ctrepldstport 070",
                saved="-m conntrack --ctorigsrcport 1024:65535 ! --ctorigdstport 80 --ctreplsrcport 9:3"
                      " --ctrepldstport 70"),
        Example("-m conntrack --ctstatus none", saved="-m conntrack --ctstatus NONE"),
        Example("-m conntrack ! --ctstatus assured,exp,NONE", saved="-m conntrack ! --ctstatus EXPECTED,ASSURED"),
        Example("-m conntrack --ctexpire 3:3", saved="-m conntrack --ctexpire 3"),
        Example("-m conntrack ! --ctexpire 60:", saved="-m conntrack ! --ctexpire 60:4294967295"),
        Example("-m conntrack --ctdir reply --ctstate NEW", saved="-m conntrack --ctstate NEW --ctdir REPLY"),
    ),
    invalid=(
        "-m conntrack",
        "-m conntrack --ctstate OPEN",
        "-m conntrack --ctstate NEW, ESTABLISHED",
        "-m conntrack --ctstate NEW,",
        "-m conntrack --ctstatus BUSY",
        "-m conntrack --ctproto 256",
        "-m conntrack --ctorigdstport 1:2:3",
        "-m conntrack --ctexpire 5-9",
        "-m conntrack --ctdir BOTH",
        "-m conntrack ! --ctdir REPLY",
        "-m conntrack --ctstate NEW --ctstate RELATED",
    ),
)  # fmt: skip
