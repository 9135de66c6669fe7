"""What the modules of connection tracking are called by generation, what each needs, and in which order they go.

Names and dependencies of Linux 5.10, 6.1 and 6.12 are those of their module lists, and the order was
tried there, module by module.  Those of el5 to el8 are inferred from sources and from what users printed.
"""

from __future__ import annotations

from collections.abc import Iterable

from rulec.kernel.generations import Kernel
from rulec.kernel.modules import HELPERS, needs_conntrack, plain
from rulec.model import Family

_IPT = {"xt_MASQUERADE": "ipt_MASQUERADE"}
_IN_TABLE = {**_IPT, "xt_REDIRECT": "ipt_REDIRECT", "xt_NETMAP": "ipt_NETMAP", "xt_nat": "iptable_nat"}
_OLDER: dict[str, dict[str, str]] = {
    "el5": {**_IN_TABLE, "xt_CT": "xt_NOTRACK", "nf_nat": "ip_nat", "nf_conntrack": "ip_conntrack"},
    "el6": {**_IN_TABLE, "xt_CT": "xt_NOTRACK"},
    "el7": _IPT,
    "4.14": _IPT,
    "el8": _IPT,
}
"""What the modules of today were called, or are part of (SNAT and DNAT were in the table's own)."""

_STATE = {"el5": "xt_state", "el6": "xt_state"}
"""``-m state`` comes as xt_conntrack since iptables took both for one (measured with 1.8.9)."""

_NAT_CORE = ("nf_nat", "ip_nat")
_NEED_NAT = frozenset(
    "iptable_nat ip6table_nat nft_chain_nat xt_nat xt_MASQUERADE xt_REDIRECT xt_NETMAP ipt_MASQUERADE ipt_REDIRECT"
    " ipt_NETMAP nft_nat nft_masq nft_redir nf_nat_ipv4 nf_nat_ipv6 nf_nat_masquerade_ipv4".split()
)
_NEED_BY_NAME = {"vport_": "openvswitch", "ip_vs_": "ip_vs"}
_TABLE_NAT = {"iptable_nat": "nf_nat_ipv4", "ip6table_nat": "nf_nat_ipv6"}
"""The modules for each family that Linux 3.7 split off nf_nat, and 5.1 took in again."""

_NEED = {
    "xt_connlimit": ("nf_conncount",), "nft_connlimit": ("nf_conncount",), "xt_ipvs": ("ip_vs",),
    "ipt_SYNPROXY": ("nf_synproxy_core",), "ip6t_SYNPROXY": ("nf_synproxy_core",),
    "nft_synproxy": ("nf_synproxy_core",),
    "nf_conntrack_netbios_ns": ("nf_conntrack_broadcast",), "nf_conntrack_snmp": ("nf_conntrack_broadcast",),
    "openvswitch": ("nf_conncount", "nf_nat"), "act_ct": ("nf_flow_table", "nf_nat"),
    "ip_vs_ftp": ("nf_nat",), "ip_vs_pe_sip": ("nf_conntrack_sip",),
    "nf_nat_snmp_basic": ("nf_conntrack_snmp",),
    "nf_flow_table_inet": ("nf_flow_table",), "nft_flow_offload": ("nf_flow_table",),
}  # fmt: skip

NFT_BY_DEFAULT = frozenset(("el8", "el9", "5.x", "6.x"))
"""Where iptables is iptables-nft, unless somebody has chosen otherwise (RHEL 8, Debian 10)."""


def of_extension(name: str, modules: Iterable[str], family: Family, kernel: Kernel) -> tuple[str, ...]:
    """The modules that an extension is loaded with, the family's own first named, on a kernel."""
    names = [_STATE.get(kernel.name, module) if name == "state" and module == "xt_conntrack" else module
             for module in modules]  # fmt: skip
    other = "ip6t_" if family is Family.IPV4 else "ipt_"
    names = [module for module in names if not module.startswith(other) or "_" not in module]
    older = _OLDER.get(kernel.name, {})
    return tuple(dict.fromkeys(older.get(module, module) for module in (*names, *hooks(names, family, kernel))))


def hooks(names: Iterable[str], family: Family, kernel: Kernel) -> tuple[str, ...]:
    """The module of the family that comes with connection tracking where there is one for each."""
    if kernel.merged is not False or kernel.core == "ip_conntrack":
        return ()
    return (f"nf_conntrack_{family.value}",) if any(needs_conntrack(name, kernel) for name in names) else ()


def of_table(table: str, family: Family, backend: str) -> tuple[str, ...]:
    """The modules of a table itself."""
    if backend == "nft":
        return ("nft_chain_nat",) if table == "nat" else ()
    return (f"{'ip' if family is Family.IPV4 else 'ip6'}table_{table}",)


def needs(name: str, kernel: Kernel) -> tuple[str, ...]:
    """The modules of connection tracking that one needs directly; none for the core, and for all others."""
    name = plain(name)
    if name == kernel.core or not needs_conntrack(name, kernel):
        return ()
    nat = _NAT_CORE[kernel.core == "ip_conntrack"]
    found = [*_NEED.get(name, ()), *(need for begin, need in _NEED_BY_NAME.items() if name.startswith(begin))]
    found += [nat] if name in _NEED_NAT or _is_nat_helper(name) else []
    found += [name.replace("_nat_", "_conntrack_", 1)] if _is_nat_helper(name) else []
    found += [_TABLE_NAT[name]] if name in _TABLE_NAT and kernel.merged is False and kernel.version >= (3, 7) else []
    found += ["nf_conntrack_ipv4"] if name == nat and kernel.merged is False and nat == "nf_nat" else []
    return (*found, kernel.core)


def _is_nat_helper(name: str) -> bool:
    prefix = next((f"{core}_" for core in _NAT_CORE if name.startswith(f"{core}_")), "")
    return bool(prefix) and name.removeprefix(prefix) in HELPERS


def whole(names: Iterable[str], kernel: Kernel) -> frozenset[str]:
    """Modules with all of connection tracking that they need."""
    found, todo = set(), list(names)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += needs(name, kernel)
    return frozenset(found)


def removal(names: Iterable[str], kernel: Kernel) -> tuple[str, ...]:
    """Modules in the order in which they can be removed: first those on which no other depends."""
    left, order = set(names), []
    while left:
        needed = {need for name in left for need in needs(name, kernel)}
        free = sorted(left - needed)
        order += free
        left -= set(free)
    return tuple(order)
