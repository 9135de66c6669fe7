"""What each match means, one file an extension, of the name that it has in the catalogue.

``conditions(given, place)`` gives the conditions of which all must hold.  A match
that has no file here is opaque: it may hold of any packet, or of none.
"""

MEANINGS = frozenset(
    (
        "addrtype", "ah", "cluster", "comment", "connbytes", "connlabel", "connmark", "conntrack", "dccp", "dscp",
        "dst", "ecn", "esp", "frag", "hbh", "helper", "hl", "icmp", "icmp6", "iprange", "ipv6header", "length", "mac",
        "mark", "mh", "multiport", "owner", "physdev", "pkttype", "rt", "sctp", "set", "state", "tcp", "tcpmss",
        "tos", "ttl", "u32", "udp",
    )
)  # fmt: skip
"""The matches whose meaning is known here."""
