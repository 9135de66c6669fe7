"""What rulec says of connection tracking, extension by extension, against what was measured.

Tracking: Linux 6.18, one rule in a fresh network namespace, for every extension, table,
family and back end; loading: Linux 5.10, 6.1 and 6.12 with all of netfilter as modules.
``tests/kernel/test_tracking_alone.py`` and ``test_tracking_modules.py`` measure anew.
"""

from __future__ import annotations

import pytest

import rulec
from rulec.analysis.tracking import tracking_facts
from rulec.catalogue.extension import Extension
from rulec.model import BUILTIN_CHAINS
from tests.unit.catalogue.examples import EXTENSIONS, Case, cases

ALL = "raw mangle nat filter security"

TRACKS = {
    "state": ALL, "conntrack": ALL, "connmark": ALL, "connbytes": ALL, "connlimit": ALL, "connlabel": ALL,
    "helper": ALL, "cluster": ALL, "CONNMARK": ALL,
    "CONNSECMARK": "mangle security", "CT": "raw", "SYNPROXY": "mangle nat filter security",
    "SNAT": "nat", "DNAT": "nat", "REDIRECT": "nat", "MASQUERADE": "nat", "NETMAP": "nat", "CLUSTERIP": ALL,
}  # fmt: skip
"""What has every packet of its family tracked, and the tables in which the kernel takes it."""

LOADS = {"NOTRACK": "raw", "ipvs": ALL}
"""What loads nf_conntrack, and has nothing tracked."""

NAT_CHAINS = {
    "SNAT": "INPUT POSTROUTING", "DNAT": "PREROUTING OUTPUT", "REDIRECT": "PREROUTING OUTPUT",
    "MASQUERADE": "POSTROUTING", "NETMAP": "PREROUTING INPUT OUTPUT POSTROUTING",
}  # fmt: skip
"""The chains of the table nat in which the kernel takes each target."""

MODULES = {
    "state": "xt_conntrack", "conntrack": "xt_conntrack", "connmark": "xt_connmark", "connbytes": "xt_connbytes",
    "connlimit": "xt_connlimit nf_conncount", "connlabel": "xt_connlabel", "helper": "xt_helper",
    "cluster": "xt_cluster", "socket": "xt_socket nf_socket_ipv4 nf_socket_ipv6 nf_defrag_ipv4 nf_defrag_ipv6",
    "recent": "xt_recent", "hashlimit": "xt_hashlimit", "set": "xt_set ip_set", "limit": "xt_limit",
    "policy": "xt_policy", "physdev": "xt_physdev br_netfilter", "ipvs": "xt_ipvs ip_vs",
    "NOTRACK": "xt_CT", "CT": "xt_CT", "CONNMARK": "xt_connmark", "CONNSECMARK": "xt_CONNSECMARK",
    "SNAT": "xt_nat nf_nat", "DNAT": "xt_nat nf_nat", "MASQUERADE": "xt_MASQUERADE nf_nat",
    "REDIRECT": "xt_REDIRECT nf_nat", "NETMAP": "xt_NETMAP nf_nat",
    "TPROXY": "xt_TPROXY nf_tproxy_ipv4 nf_tproxy_ipv6 nf_defrag_ipv4 nf_defrag_ipv6",
    "LOG": "xt_LOG nf_log_syslog", "NFLOG": "xt_NFLOG nfnetlink_log", "NFQUEUE": "xt_NFQUEUE",
    "TEE": "xt_TEE nf_dup_ipv4 nf_dup_ipv6", "HMARK": "xt_HMARK", "TRACE": "xt_TRACE nf_log_syslog",
    "TCPMSS": "xt_TCPMSS", "SET": "xt_set ip_set", "LED": "xt_LED", "SECMARK": "xt_SECMARK",
    "CLUSTERIP": "ipt_CLUSTERIP", "mark": "xt_mark", "MARK": "xt_mark",
}  # fmt: skip
"""The modules that were there after one rule, but for nf_conntrack and what the table itself needs."""

TWO_FAMILIES = {"rpfilter": "rpfilter", "SYNPROXY": "SYNPROXY nf_synproxy_core", "REJECT": "REJECT"}
"""Extensions with a module for each family: ``ipt_`` and ``ip6t_`` in front of the first word."""


def first_examples(extension: Extension) -> list[Case]:
    """The first valid example in each family."""
    found: dict[object, Case] = {}
    for case in cases(extension):
        if case.kind == "valid":
            found.setdefault(case.family, case)
    return list(found.values())


def verdicts(case: Case) -> dict[tuple[str, str], str]:
    """What rulec says of the example in each table and chain where it is valid."""
    found = {}
    for table, chains in BUILTIN_CHAINS.items():
        for chain in chains:
            moved = case._replace(example=case.example._replace(table=table, chain=chain))
            ruleset = rulec.parse(moved.ruleset(), family=case.family.value)
            if ruleset.valid:
                facts = tracking_facts(ruleset)
                assert {cause.name for cause in (*facts.tracks, *facts.loads)} <= {case.extension.name}
                found[table, chain] = "tracks" if facts.tracks else "loads" if facts.loads else "nothing"
    return found


@pytest.mark.parametrize("extension", EXTENSIONS, ids=lambda extension: extension.name)
def test_verdict_in_each_table(extension: Extension) -> None:
    name = extension.name
    measured = "tracks" if name in TRACKS else "loads" if name in LOADS else "nothing"
    assert first_examples(extension)
    for case in first_examples(extension):
        found = verdicts(case)
        assert set(found.values()) == {measured}
        if measured != "nothing":
            assert {table for table, _ in found} == set({**TRACKS, **LOADS}[name].split())
        if name in NAT_CHAINS:
            assert {chain for _, chain in found} == set(NAT_CHAINS[name].split())


@pytest.mark.parametrize("extension", EXTENSIONS, ids=lambda extension: extension.name)
def test_modules(extension: Extension) -> None:
    """A rule brings nf_conntrack where the tables above say so, and nowhere else."""
    name = extension.name
    assert ("nf_conntrack" in extension.modules) is (name in TRACKS or name in LOADS)
    measured = MODULES.get(name, "").split()
    if name in TWO_FAMILIES:
        first, *others = TWO_FAMILIES[name].split()
        measured = [f"ipt_{first}", f"ip6t_{first}", *others]
    if measured:
        assert [module for module in extension.modules if module != "nf_conntrack"] == measured


def test_the_tables_name_extensions_that_there_are() -> None:
    assert {*TRACKS, *LOADS, *MODULES, *TWO_FAMILIES} <= {extension.name for extension in EXTENSIONS}


@pytest.mark.parametrize(
    ("table", "rule", "verdict"),
    [
        ("raw", "-j CT --notrack", "loads"),
        ("raw", "-j CT --notrack --zone 1", "loads"),
        ("raw", "-j CT", "tracks"),
        ("raw", "-j CT --zone 0", "tracks"),
        ("raw", "-j CT --zone-orig mark", "tracks"),
        ("raw", "-p tcp -j CT --helper ftp", "tracks"),
        ("raw", "-j CT --ctevents new", "tracks"),
        ("raw", "-j NOTRACK", "loads"),
        ("raw", "-m state --state UNTRACKED -j NOTRACK", "tracks"),
        ("mangle", "-j HMARK --hmark-tuple ct --hmark-mod 9 --hmark-rnd 1", "nothing"),
        ("mangle", "-m socket --transparent", "nothing"),
        ("mangle", "-p tcp -j TPROXY --on-port 1", "nothing"),
        ("mangle", "-m comment --comment \"-m state -j CONNMARK\"", "nothing"),
        ("nat", "-j ACCEPT", "loads"),  # the table does
    ],
)  # fmt: skip
def test_options_that_make_a_difference(table: str, rule: str, verdict: str) -> None:
    facts = tracking_facts(rulec.parse(f"*{table}\n-A PREROUTING {rule}\nCOMMIT\n", family="ipv4"))
    loads = facts.loads or facts.nat_tables
    assert ("tracks" if facts.tracks else "loads" if loads else "nothing") == verdict
    assert facts.lines == ((2,) if verdict == "tracks" else ())
