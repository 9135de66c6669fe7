"""icmp6: match on the type and the code of an ICMPv6 packet.

IPv6 finds its neighbours and routers by ICMPv6: a ruleset that drops the types
133 to 136 cuts the host off.  ``-m icmpv6`` and ``-m ipv6-icmp`` are the same
match.  There is no ``any``; ``-p ipv6-icmp`` alone says it.
"""

from __future__ import annotations

from rulec.catalogue.extension import IPV6, Example, Extension, Option
from rulec.catalogue.values.icmp import ICMPV6_TYPE
from rulec.model.protocols import ICMPV6

EXTENSION = Extension(
    name="icmp6",
    aliases=("icmpv6", "ipv6-icmp"),
    summary="match on the type and the code of an ICMPv6 packet",
    families=IPV6,
    modules=("xt_tcpudp",),
    protocols=(ICMPV6,),
    options=(Option("--icmpv6-type", ICMPV6_TYPE, invertible=True, required=True),),
    valid=(
        Example("-p ipv6-icmp --icmpv6-type echo-request", saved="-p ipv6-icmp -m icmp6 --icmpv6-type 128"),
        Example("-p icmpv6 -m icmpv6 --icmpv6-type neighbor-s", saved="-p ipv6-icmp -m icmp6 --icmpv6-type 135"),
        Example("-p icmpv6 ! --icmpv6-type no-route", saved="-p ipv6-icmp -m icmp6 ! --icmpv6-type 1/0"),
        Example("-p 58 --icmpv6-type 1/0:255", saved="-p ipv6-icmp -m icmp6 --icmpv6-type 1"),
        Example("-p ipv6-icmp -m icmp6 --icmpv6-type 255"),
    ),
    invalid=(
        "-p ipv6-icmp -m icmp6",
        "-p ipv6-icmp --icmpv6-type any",
        "-p ipv6-icmp --icmpv6-type neighbo",
        "-p ipv6-icmp --icmpv6-type 256",
        "-p ipv6-icmp --icmpv6-type 1/256",
        "-p ipv6-icmp --icmp-type 8",
    ),
    refused=("-m icmp6 --icmpv6-type 128", "-p icmp -m icmp6 --icmpv6-type 128"),
)
