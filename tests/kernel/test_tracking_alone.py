"""What the running kernel tracks because of one rule, measured for each extension, table, family and back end.

Each ruleset stands alone in a namespace of its own.  Then a datagram of each family
goes over the loopback, and either it has an entry or not: IPv4 rules must have no IPv6
tracked, nor the other way round.  The datagram is accepted before it meets the rule.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import rulec
from rulec.analysis.tracking import tracking_facts
from rulec.catalogue.extension import Extension
from rulec.model import BUILTIN_CHAINS, Family
from tests.kernel.conftest import PROGRAM, restore, run_in
from tests.kernel.network import DISCARD, alone, tracked
from tests.kernel.world import World
from tests.unit.catalogue.examples import EXTENSIONS, Case, cases

BACKENDS = ("legacy", "nft")
PASS = f"-p udp --dport {DISCARD} -j ACCEPT"

NAMED_OBJECTS = frozenset(("set", "SET", "nfacct"))
"""Extensions whose examples name a set or an account, which must be made first."""

LEGACY_ONLY = frozenset(("CLUSTERIP",))
"""Extensions that the nft back end does not load (measured on Linux 5.10 and 6.1)."""


def families_tracked() -> set[Family]:
    """The families of which a datagram has an entry, in the namespace of this thread."""
    return {family for family in Family if tracked("", family)}


def families_said(text: str, family: Family) -> set[Family]:
    """The families that rulec says are tracked."""
    ruleset = rulec.parse(text, family=family.value)
    assert ruleset.valid, ruleset.findings
    return {family} if tracking_facts(ruleset).lines else set()


def in_each_table(extension: Extension) -> Iterator[Case]:
    """Its first example in each family, moved to each table where it is valid."""
    first: dict[Family, Case] = {}
    for case in cases(extension):
        if case.kind == "valid":
            first.setdefault(case.family, case)
    for case in first.values():
        for table, chains in BUILTIN_CHAINS.items():
            moved = (case._replace(example=case.example._replace(table=table, chain=chain)) for chain in chains)
            found = next((it for it in moved if rulec.parse(it.ruleset(), family=it.family.value).valid), None)
            if found is not None:
                yield found


@pytest.mark.parametrize("extension", EXTENSIONS, ids=lambda extension: extension.name)
def test_each_extension_in_each_table(extension: Extension) -> None:
    wrong = []
    for case in in_each_table(extension):
        for backend in BACKENDS[: 1 if extension.name in LEGACY_ONLY else None]:
            with alone():
                load(case, backend)
                if families_tracked() != families_said(case.ruleset(), case.family):
                    wrong.append(f"{case} ({backend})")
    assert wrong == []


def load(case: Case, backend: str) -> None:
    """Load an example in the namespace of this thread, or skip the test where the kernel lacks what it needs."""
    world = World("", case.family, backend)
    if case.extension.name in NAMED_OBJECTS:
        world.furnish()
    done, _ = world.load(case, PASS)
    if done.returncode:
        world.skip_where_lacking(case)
    assert done.returncode == 0, f"{case} ({backend}): {done.stderr}"


def filter_with(*rules: str) -> str:
    return "\n".join(["*filter", f"-A INPUT {PASS}", *rules, "COMMIT", ""])


def raw_with(*rules: str) -> str:
    return "\n".join(["*raw", f"-A PREROUTING {PASS}", f"-A OUTPUT {PASS}", *rules, "COMMIT", ""])


STATE = "-m state --state NEW"

RULESETS = {
    "no rule, any table": ("*filter\nCOMMIT\n*mangle\nCOMMIT\n*raw\nCOMMIT\n*security\nCOMMIT\n*nat\nCOMMIT\n", False),
    "nat with its chains": ("*nat\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\nCOMMIT\n", False),
    "nat that translates nothing": ("*nat\n:x - [0:0]\n-A OUTPUT -j x\n-A x -j RETURN\n-A OUTPUT -j ACCEPT\nCOMMIT\n",
                                    False),
    "nat in a chain to which nothing jumps": ("*nat\n:x - [0:0]\n-A x -p tcp -j REDIRECT\nCOMMIT\n", True),
    "a chain to which nothing jumps": (filter_with(":x - [0:0]", f"-A x {STATE}"), True),
    "behind ACCEPT": (filter_with("-A INPUT -j ACCEPT", f"-A INPUT {STATE}"), True),
    "an interface that is not there": (filter_with(f"-A INPUT -i nosuch0 {STATE}"), True),
    "no packet can match": (filter_with(f"-A INPUT -p 253 -m mark --mark 1 -m mark --mark 2 {STATE}"), True),
    "a comment": (filter_with("-A INPUT -m comment --comment \"-m state -j CONNMARK\""), False),
    "deleted by its words": (filter_with(f"-A INPUT {STATE}", f"-D INPUT {STATE}"), False),
    "deleted by its number": (filter_with(f"-A INPUT {STATE}", "-D INPUT 2"), False),
    "one of two is left": (filter_with(f"-A INPUT {STATE}", f"-A INPUT {STATE} -j ACCEPT", "-D INPUT 2"), True),
    "replaced": (filter_with(f"-A INPUT {STATE}", "-R INPUT 2 -j ACCEPT"), False),
    "put in the place of another": (filter_with("-A INPUT -j ACCEPT", f"-R INPUT 2 {STATE}"), True),
    "asked for": (filter_with(f"-A INPUT {STATE}", f"-C INPUT {STATE}"), True),
    "flushed": (filter_with(f"-A INPUT {STATE}", "-F INPUT"), False),
    "in a table that is there a second time": (filter_with(f"-A INPUT {STATE}") + filter_with(), False),
    "NOTRACK": (raw_with("-A PREROUTING -j NOTRACK", "-A OUTPUT -j NOTRACK"), False),
    "CT --notrack": (raw_with("-A PREROUTING -j CT --notrack", "-A OUTPUT -j CT --notrack"), False),
    "NOTRACK and UNTRACKED": (raw_with("-A OUTPUT -j NOTRACK") + filter_with("-A INPUT -m state --state UNTRACKED"),
                              True),
    "CT --notrack beside CT --zone": (raw_with("-A OUTPUT -j CT --notrack", "-A OUTPUT -j CT --zone 5"), True),
    "HMARK of the tuple of the connection": (
        "*mangle\n-A PREROUTING -j HMARK --hmark-tuple ct --hmark-mod 9 --hmark-rnd 1\nCOMMIT\n", False),
}  # fmt: skip
"""Rulesets, and whether they have their family tracked."""

NFT_CRASHES = frozenset(("replaced", "put in the place of another"))
"""``-R`` of a rule of the same file, at which iptables-nft-restore 1.8.9 dies."""


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("name", RULESETS)
def test_where_a_rule_stands_and_what_becomes_of_it(name: str, family: Family, backend: str) -> None:
    text, is_tracked = RULESETS[name]
    assert families_said(text, family) == ({family} if is_tracked else set())
    with alone():
        done = restore("", text, family, backend)
        if backend == "nft" and name in NFT_CRASHES and done.returncode < 0:
            pytest.skip("iptables-nft-restore crashes")
        done.check_returncode()
        assert families_tracked() == ({family} if is_tracked else set())


OPTIONS = (
    *(f"-m state --state {state}" for state in ("NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED")),
    "-m conntrack ! --ctstate NEW", "-m conntrack --ctstate UNTRACKED", "-m conntrack --ctstate DNAT",
    "-m conntrack --ctproto udp", "-m conntrack --ctproto tcp --ctorigdstport 22", "-m conntrack --ctstatus NONE",
    "-m conntrack --ctstatus ASSURED", "-m conntrack --ctexpire 1:9", "-m conntrack --ctdir REPLY",
    "-m connbytes --connbytes 9: --connbytes-dir both --connbytes-mode bytes", "-m connlabel --label 3",
    "-m connlimit --connlimit-upto 3 --connlimit-saddr", "-m connmark ! --mark 1", "-m helper --helper \"\"",
    "-j CT", "-j CT --zone 1", "-j CT --zone mark", "-j CT --zone-orig 1", "-j CT --zone-reply 1",
    "-p tcp -j CT --helper ftp", "-j CT --ctevents new", "-j CT --expevents new",
    "-j CONNMARK --set-mark 1", "-j CONNMARK --save-mark", "-j CONNMARK --restore-mark",
    "-j CONNSECMARK --save", "-j CONNSECMARK --restore",
    "-p tcp -j SYNPROXY", "-p tcp -j SYNPROXY --mss 1460",
)  # fmt: skip
"""Options of what switches tracking on: none of them makes a difference."""

TABLE_OF = {"CT": "raw", "CONNMARK": "mangle", "CONNSECMARK": "mangle"}


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("rule", OPTIONS)
def test_options_make_no_difference(rule: str, family: Family) -> None:
    table = TABLE_OF.get(rule.partition("-j ")[2].partition(" ")[0], "filter")
    chain = "INPUT" if table == "filter" else "PREROUTING"
    text = f"*{table}\n-A {chain} {PASS}\n-A {chain} {rule}\nCOMMIT\n"
    assert families_said(text, family) == {family}
    with alone():
        restore("", text, family).check_returncode()
        assert families_tracked() == {family}


def test_lines_of_the_other_family_ask_for_nothing() -> None:
    text = filter_with(f"-6 -A INPUT {STATE}", "-4 -A INPUT -j ACCEPT")
    assert families_said(text, Family.IPV4) == set()
    with alone():
        restore("", text, Family.IPV4).check_returncode()
        assert families_tracked() == set()


def test_only_read_tracks_nothing() -> None:
    with alone():
        restore("", filter_with(f"-A INPUT {STATE}"), Family.IPV4, test=True).check_returncode()
        assert families_tracked() == set()


def test_a_namespace_alone_is_not_that_of_its_neighbours() -> None:
    """What this file relies on: each begins without tracking, and leaves none behind."""
    for _ in range(2):
        with alone():
            assert families_tracked() == set()
            restore("", filter_with(f"-A INPUT {STATE}"), Family.IPV4).check_returncode()
            assert families_tracked() == {Family.IPV4}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("family", Family)
def test_what_is_saved_has_raw_first_and_no_comments(family: Family, backend: str) -> None:
    """What the check ruleset-overwritten says of a file that iptables-save writes."""
    text = f"# why\n{filter_with()}{raw_with('-A PREROUTING -j NOTRACK')}"
    with alone():
        restore("", text, family, backend).check_returncode()
        saved = run_in("", f"{PROGRAM[family]}-{backend}-save").stdout
    assert [line for line in saved.splitlines() if line.startswith("*")] == ["*raw", "*filter"]
    assert "why" not in saved


@pytest.mark.parametrize("family", Family)
def test_a_nat_table_that_was_only_looked_at_is_saved(family: Family) -> None:
    """With iptables-legacy: to list a table makes it."""
    with alone():
        for words in ("-save",), ("", "-t", "nat", "-L", "-n"), ("-save",):
            printed = run_in("", f"{PROGRAM[family]}-legacy{words[0]}", *words[1:])
            printed.check_returncode()
        assert "*nat" in printed.stdout
