"""The names of all extensions, so that none is imported just to know that it exists.

Those that iptables 1.8.9 ships for IPv4 and IPv6 (``ls /usr/lib/*/xtables``);
``tests/test_layout.py`` holds them against the files of the catalogue.
"""

MATCHES = frozenset(
    "addrtype ah bpf cgroup cluster comment connbytes connlabel connlimit connmark conntrack cpu dccp devgroup dscp"
    " dst ecn esp eui64 frag hashlimit hbh helper hl icmp icmp6 ipcomp iprange ipv6header ipvs length limit mac mark"
    " mh multiport nfacct osf owner physdev pkttype policy quota rateest realm recent rpfilter rt sctp set socket srh"
    " state statistic string tcp tcpmss time tos ttl u32 udp".split()
)

TARGETS = frozenset(
    "AUDIT CHECKSUM CLASSIFY CLUSTERIP CONNMARK CONNSECMARK CT DNAT DNPT DSCP ECN HL HMARK IDLETIMER LED LOG MARK"
    " MASQUERADE NETMAP NFLOG NFQUEUE NOTRACK RATEEST REDIRECT REJECT SECMARK SET SNAT SNPT SYNPROXY TCPMSS"
    " TCPOPTSTRIP TEE TOS TPROXY TRACE TTL ULOG".split()
)

MATCH_ALIASES = {"icmpv6": "icmp6", "ipv6-icmp": "icmp6"}
