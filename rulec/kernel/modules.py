"""The modules of netfilter that have to do with connection tracking: what loading one of them does.

What loads and what tracks was measured on Linux 5.10, 6.1 and 6.12, module by module,
and what depends on nf_conntrack is what the module lists of 6.1 and 6.12 say; for
other kernels it is inferred: see :mod:`rulec.kernel.generations`.
"""

from __future__ import annotations

import re

from rulec.kernel.generations import CURRENT, Kernel
from rulec.model import Family

HELPERS = frozenset("amanda ftp h323 irc netbios_ns pptp proto_gre sane sip snmp tftp".split())
"""The ends of the names of helper modules."""

_DEPENDENT = frozenset(
    "xt_state xt_conntrack xt_connmark xt_connbytes xt_connlimit xt_connlabel xt_cluster xt_helper xt_CT xt_NOTRACK"
    " xt_CONNSECMARK xt_nat xt_MASQUERADE xt_REDIRECT xt_NETMAP xt_ipvs ipt_SYNPROXY ip6t_SYNPROXY ipt_CLUSTERIP"
    " ipt_state ipt_NOTRACK ipt_MASQUERADE ipt_REDIRECT ipt_NETMAP ip6t_MASQUERADE iptable_nat ip6table_nat"
    " nft_chain_nat nft_ct nft_nat nft_masq nft_redir nft_connlimit nft_synproxy nft_flow_offload nf_conncount"
    " nf_flow_table nf_flow_table_inet nf_synproxy_core nfnetlink_cthelper nfnetlink_cttimeout"
    " act_ct act_connmark act_ctinfo openvswitch".split()
)
"""Modules that need nf_conntrack, besides those whose names begin as it does, or as the following."""

_CORES = ("nf_conntrack", "ip_conntrack", "nf_nat", "ip_nat")
_SWITCH = ("openvswitch", "vport_")
_BALANCER = "ip_vs"

_FAMILY = re.compile(r"nf_(conntrack|nat)_ipv[46]")

PARAMETERS = frozenset(("acct", "expect_hashsize", "hashsize", "tstamp", "nf_conntrack_helper", "enable_hooks"))
"""The parameters of nf_conntrack; another is ignored, and only the kernel's log says so."""


def plain(name: str) -> str:
    """A module's name as lsmod prints it: kmod takes - for _."""
    return name.replace("-", "_")


def needs_conntrack(name: str, kernel: Kernel = CURRENT) -> bool:
    """Whether loading the module loads connection tracking.

    Load balancing (``ip_vs``) does since IP_VS_NFCT came with Linux 2.6.37.
    """
    name = plain(name)
    if name.startswith(_BALANCER):
        return kernel.version >= (2, 6, 37)
    return name.startswith((*_CORES, *_SWITCH)) or name in _DEPENDENT


def is_switch(name: str) -> bool:
    """Whether the module is Open vSwitch, or loads it."""
    return plain(name).startswith(_SWITCH)


def tracked_on_loading(name: str, kernel: Kernel) -> tuple[Family, ...]:
    """The families of which every packet is tracked as soon as the module is loaded, without any rule.

    openvswitch does so on 5.10 and 6.1, and no more on 6.12 (measured): it counts connections
    since 4.18, and for that had them tracked until nf_ct_netns_get left nf_conncount_init
    (August 2024).  A generation that has such kernels is taken for one.
    """
    name = plain(name)
    if is_absent(name, kernel):
        return ()
    if name in kernel.hooks:
        return (kernel.hooks[name],)
    if kernel.core in kernel.hooks and needs_conntrack(name, kernel):
        return (kernel.hooks[kernel.core],)
    return kernel.tracked if kernel.by_rules and is_switch(name) else ()


def is_absent(name: str, kernel: Kernel) -> str:
    """Why there is no such module on the kernel; empty where it is there, or nothing is known."""
    name = plain(name)
    if kernel.merged and _FAMILY.fullmatch(name):
        return "it is part of " + ("nf_conntrack" if "conntrack" in name else "nf_nat")
    if name == "xt_NOTRACK" and kernel.version >= (3, 8):  # commit 10db9069eb5c
        return "NOTRACK is part of xt_CT"
    if kernel.core == "ip_conntrack" and name.startswith("nf_conntrack"):
        return "it is called " + ("ip_conntrack" if _FAMILY.fullmatch(name) else name.replace("nf_", "ip_", 1))
    return ""


def helper(name: str) -> str:
    """The helper that a module holds, such as ``ftp`` for nf_conntrack_ftp; empty for other modules."""
    found = re.fullmatch(r"(?:nf|ip)_(?:conntrack|nat)_(\w+)", plain(name))
    return found[1] if found and found[1] in HELPERS else ""
