"""Numbers and names of protocols, as ``-p`` takes them and iptables-save prints them."""

from __future__ import annotations

from rulec.model import Family

ICMP, TCP, UDP, DCCP, IPV6_ROUTE, IPV6_FRAGMENT = 1, 6, 17, 33, 43, 44
ESP, AH, ICMPV6, IPV6_OPTIONS, IPCOMP, SCTP, MOBILITY, UDPLITE = 50, 51, 58, 60, 108, 132, 135, 136

NEVER_TRACKED = (*range(130, 137), 143, 151, 152)
"""The ICMPv6 types of neighbour and multicast discovery: no connection is seen in them (measured on Linux 6.18)."""

ECHO = {Family.IPV4: (8, 0), Family.IPV6: (128, 129)}
"""The ICMP types of a ping and of its answer."""

NEEDED_ERRORS = {Family.IPV4: (3, 11, 12), Family.IPV6: (1, 2, 3, 4)}
"""The types of ICMP errors that flows need: unreachable, time exceeded, parameter problem, for IPv6 packet too big.

Source quench and redirect (4, 5) are RELATED too, and left out.
"""

LATER_FLAGS = (0x12, 0x04, 0x14, 0x11, 0x31, 0x10, 0x30)
"""The TCP flags of packets of a known connection after the first: SYN,ACK; RST with and without ACK; FIN,ACK; ACK.

The last two with URG, too; what PSH, ECE and CWR are makes no difference (nf_conntrack_proto_tcp.c, tcp_valid_flags).
"""

_KNOWN_TO_LIBXTABLES = {
    "tcp": TCP,
    "sctp": SCTP,
    "udp": UDP,
    "udplite": UDPLITE,
    "icmp": ICMP,
    "ipv6-icmp": ICMPV6,
    "icmpv6": ICMPV6,
    "esp": ESP,
    "ah": AH,
    "mobility-header": MOBILITY,
    "ipv6-mh": MOBILITY,
    "mh": MOBILITY,
    "all": 0,
}

# /etc/protocols of Debian; the names of one number stand in its order.
_IN_ETC_PROTOCOLS = {
    "ip": 0, "hopopt": 0, "igmp": 2, "ggp": 3, "ipencap": 4, "st": 5, "egp": 8, "igp": 9, "pup": 12, "hmp": 20,
    "xns-idp": 22, "rdp": 27, "iso-tp4": 29, "dccp": 33, "xtp": 36, "ddp": 37, "idpr-cmtp": 38, "ipv6": 41,
    "ipv6-route": 43, "ipv6-frag": 44, "idrp": 45, "rsvp": 46, "gre": 47, "skip": 57, "ipv6-nonxt": 59,
    "ipv6-opts": 60, "rspf": 73, "vmtp": 81, "eigrp": 88, "ospf": 89, "ax.25": 93, "ipip": 94, "etherip": 97,
    "encap": 98, "pim": 103, "ipcomp": 108, "vrrp": 112, "l2tp": 115, "isis": 124, "fc": 133, "mpls-in-ip": 137,
    "manet": 138, "hip": 139, "shim6": 140, "wesp": 141, "rohc": 142, "ethernet": 143,
}  # fmt: skip

NUMBERS: dict[str, int] = {**_IN_ETC_PROTOCOLS, **_KNOWN_TO_LIBXTABLES}
"""The number of each name, in lower case; 0 is every protocol."""

NAMES: dict[int, str] = {}
"""The name that iptables-save prints for each number that has one."""
for _name, _number in (*_KNOWN_TO_LIBXTABLES.items(), *_IN_ETC_PROTOCOLS.items()):
    NAMES.setdefault(_number, _name)
