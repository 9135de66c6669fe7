"""What the modules of connection tracking are called, what they need, and in which order they go."""

from __future__ import annotations

import pytest

from rulec import catalogue
from rulec.kernel.generations import KERNELS
from rulec.kernel.loading import needs, of_extension, of_table, removal, whole
from rulec.model import Family

V4, V6 = Family.IPV4, Family.IPV6

MEASURED = (
    "iptable_nat ip6table_nat xt_MASQUERADE xt_REDIRECT xt_NETMAP xt_nat nf_nat_ftp nf_nat_h323 nf_nat nf_conntrack_ftp"
    " xt_conntrack xt_connmark xt_connbytes xt_connlabel xt_connlimit nf_conncount xt_cluster xt_helper xt_CT"
    " xt_CONNSECMARK ipt_SYNPROXY ip6t_SYNPROXY nf_synproxy_core nf_conntrack_h323 nf_conntrack_snmp"
    " nf_conntrack_netbios_ns nf_conntrack_broadcast nf_conntrack_netlink nf_conntrack"
).split()
"""They went in this order, one by one with rmmod (Linux 5.10, 6.1 and 6.12)."""


@pytest.mark.parametrize(
    ("role", "name", "family", "kernel", "modules"),
    [
        ("match", "state", V4, "6.x", ("xt_conntrack", "nf_conntrack")),
        ("match", "state", V4, "el7", ("xt_conntrack", "nf_conntrack", "nf_conntrack_ipv4")),
        ("match", "state", V6, "el6", ("xt_state", "nf_conntrack", "nf_conntrack_ipv6")),
        ("match", "state", V4, "el5", ("xt_state", "ip_conntrack")),
        ("target", "NOTRACK", V4, "6.x", ("xt_CT", "nf_conntrack")),
        ("target", "NOTRACK", V4, "el6", ("xt_NOTRACK", "nf_conntrack", "nf_conntrack_ipv4")),
        ("target", "NOTRACK", V4, "el5", ("xt_NOTRACK", "ip_conntrack")),
        ("target", "MASQUERADE", V4, "6.x", ("xt_MASQUERADE", "nf_nat", "nf_conntrack")),
        ("target", "MASQUERADE", V4, "el8", ("ipt_MASQUERADE", "nf_nat", "nf_conntrack")),
        ("target", "DNAT", V4, "el5", ("iptable_nat", "ip_nat", "ip_conntrack")),
        ("target", "SYNPROXY", V6, "6.x", ("ip6t_SYNPROXY", "nf_synproxy_core", "nf_conntrack")),
        ("match", "limit", V4, "el7", ("xt_limit",)),
        ("target", "REJECT", V6, "6.x", ("ip6t_REJECT",)),
    ],
)
def test_names(role: str, name: str, family: Family, kernel: str, modules: tuple[str, ...]) -> None:
    extension = (catalogue.match if role == "match" else catalogue.target)(name)
    assert extension is not None
    assert of_extension(name, extension.modules, family, KERNELS[kernel]) == modules


def test_tables() -> None:
    assert of_table("nat", V4, "legacy") == ("iptable_nat",)
    assert of_table("raw", V6, "legacy") == ("ip6table_raw",)
    assert (of_table("nat", V6, "nft"), of_table("filter", V4, "nft")) == (("nft_chain_nat",), ())


def test_the_measured_order_breaks_no_dependency() -> None:
    for number, name in enumerate(MEASURED):
        assert not {other for other in MEASURED[number + 1 :] if name in needs(other, KERNELS["6.x"])}


@pytest.mark.parametrize("kernel", KERNELS)
def test_nothing_is_removed_before_what_needs_it(kernel: str) -> None:
    order = removal(whole(MEASURED, KERNELS[kernel]), KERNELS[kernel])
    assert set(MEASURED) <= set(order)
    for number, name in enumerate(order):
        assert not {other for other in order[number + 1 :] if name in needs(other, KERNELS[kernel])}
    if kernel != "el5":
        assert order[-1] == "nf_conntrack"


def test_modules_for_each_family_stand_between() -> None:
    order = removal(whole(["iptable_nat"], KERNELS["el7"]), KERNELS["el7"])
    assert order == ("iptable_nat", "nf_nat_ipv4", "nf_nat", "nf_conntrack_ipv4", "nf_conntrack")
