"""The generated rulesets are what the benchmark says they are: the same by seed, varied, and such as iptables loads."""

from __future__ import annotations

import difflib
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from rulec import api
from tests.bench.edits import EDITS
from tests.bench.generate import KINDS, main, text
from tests.bench.recipes import options, shape

RESTORE = shutil.which("iptables-legacy-restore")
PROGRAM = {"ipv4": "iptables-legacy", "ipv6": "ip6tables-legacy"}
kinds = pytest.mark.parametrize(("kind", "family"), sorted(KINDS), ids="-".join)


def why_not_load() -> str:
    """The reason why the real iptables cannot be asked, if there is one."""
    if os.geteuid() != 0:
        return "loading a ruleset takes root"
    if RESTORE is None:
        return "iptables-legacy-restore is not installed"
    command = ["unshare", "-n", RESTORE, "--test"]
    tried = subprocess.run(command, input="*filter\nCOMMIT\n", text=True, capture_output=True, check=False)
    return f"no table in a network namespace: {tried.stderr.strip()}" if tried.returncode else ""


UNABLE = why_not_load()
real = pytest.mark.skipif(bool(UNABLE), reason=UNABLE or "never")


def rules_of(ruleset: str) -> list[str]:
    """The rule lines, with their counters."""
    return [line for line in ruleset.splitlines() if re.match(r"(\[\d+:\d+\] )?-A ", line)]


def bare(rules: Iterable[str]) -> list[str]:
    """The rules without their counters, in the order of their text."""
    return sorted(re.sub(r"^\[\d+:\d+\] ", "", rule) for rule in rules)


def in_namespace(command: str, ruleset: Path) -> subprocess.CompletedProcess[str]:
    """Run a shell command in a network namespace of its own, the ruleset on standard input."""
    with ruleset.open() as stream:
        alone = ["unshare", "-n", "sh", "-c", command]
        return subprocess.run(alone, stdin=stream, capture_output=True, text=True, check=False)


def ports(line: str) -> list[str]:
    """The destination ports of a rule, and what is left of it without them."""
    return [*re.findall(r" --dport (\S+)", line), re.sub(r" --dport \S+", "", line)]


@kinds
def test_same_seed_same_ruleset(kind: str, family: str) -> None:
    """Only the seed decides."""
    assert text(kind, 500, 7, family) == text(kind, 500, 7, family)
    assert text(kind, 500, 7, family) != text(kind, 500, 8, family)


@kinds
@pytest.mark.parametrize("rules", [50, 51, 1000, 10_000])
def test_number_of_rules(kind: str, family: str, rules: int) -> None:
    """There are exactly as many rules as asked for."""
    assert len(rules_of(text(kind, rules, 1, family))) == rules


@kinds
def test_too_small(kind: str, family: str) -> None:
    """What does not hold the fixed rules is refused."""
    with pytest.raises(ValueError, match="at least"):
        list(KINDS[kind, family](5, 1))


@kinds
def test_counters(kind: str, family: str) -> None:
    """A tenth of the lines has counters."""
    assert 900 <= sum(rule.startswith("[") for rule in rules_of(text(kind, 10_000, 1, family))) <= 1100


@pytest.mark.parametrize(("kind", "most"), [("acl", 1400), ("kube", 10_000)])
def test_quoted_comments(kind: str, most: int) -> None:
    """A tenth of the lines has a quoted comment, and with kube-proxy nearly all."""
    assert 1000 <= sum('--comment "' in rule for rule in rules_of(text(kind, 10_000))) <= most


@kinds
def test_edits(kind: str, family: str) -> None:
    """So many rules are other ones, each by its port: a third changed, a third deleted, a third added."""
    before, after = (text(kind, 2000, 1, family, edits).splitlines() for edits in (0, 30))
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    found = [(before[a:b], after[c:d]) for tag, a, b, c, d in matcher.get_opcodes() if tag != "equal"]
    gone, come = (sum(len(pair[side]) for pair in found) for side in (0, 1))
    assert (gone, come) == (20, 20)
    assert text(kind, 2000, 1, family, 30).splitlines() == after
    assert len(EDITS) == 3


def test_an_edit_is_another_port() -> None:
    """A changed or added rule differs from the old one in nothing else."""
    before, after = (rules_of(text("campus", 2000, edits=edits)) for edits in (0, 3))
    (changed,) = (line for line in before if line not in after and ports(line)[-1] in [ports(new)[-1] for new in after])
    assert ports(changed)[0] not in [ports(new)[0] for new in after if new not in before]


def test_too_many_edits() -> None:
    """There are only so many rules to edit."""
    with pytest.raises(ValueError, match=r"only \d+ rules"):
        text("campus", 100, edits=100)


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_campus_shape(family: str) -> None:
    """5,000 rules of a campus: 87 user chains, some 1,900 network cards, each chain of a VLAN is used."""
    ruleset = text("campus", 5000, 1, family)
    declared = set(re.findall(r"^:((?:mac|ranges|filter)_\d+) -", ruleset, re.MULTILINE))
    used = set(re.findall(r"-A FORWARD .*-[io] \S+ -j ((?:mac|ranges|filter)_\d+)$", ruleset, re.MULTILINE))
    assert declared == used
    assert len(re.findall(r"^:\S+ - ", ruleset, re.MULTILINE)) == 87
    assert 1850 <= len(set(re.findall(r"--mac-source (\S+)", ruleset))) <= 1960


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_acl_shapes(seed: int) -> None:
    """10,000 rules of an ACL have 350 shapes at least, even when only their options count."""
    rules = rules_of(text("acl", 10_000, seed))
    assert len({options(rule) for rule in rules}) >= 350
    assert len({shape(rule) for rule in rules}) <= 450


def test_shape_leaves_arguments_out() -> None:
    """Options, negations, matches and targets with options are the shape; nothing else is."""
    rule = (
        '[1:2] -A x ! -s 10.0.0.1/32 -p tcp -m comment --comment "a -j b" -m tcp --dport 22 -j REJECT --reject-with x'
    )
    assert shape(rule) == "-A ! -s -p -m comment --comment -m tcp --dport -j REJECT --reject-with"
    assert options(rule) == "-A ! -s -p -m --comment -m --dport -j --reject-with"
    assert shape("-A x -j ACCEPT") == "-A -j"


def test_acl_addresses() -> None:
    """200,000 rules of an ACL name 120,000 different hosts and networks."""
    found = re.findall(r" -[sd] (\S+)", text("acl", 200_000))
    assert len(set(found)) >= 120_000


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_acl_zones(seed: int) -> None:
    """Each zone has its network, its rules keep to it, and the last one lets nothing through to other zones."""
    ruleset = text("acl", 2000, seed)
    networks = dict(re.findall(r"-A FORWARD -d (\S+) -j to-(\d+)$", ruleset, re.MULTILINE))
    zones = {number: IPv4Network(network) for network, number in networks.items()}
    bodies: dict[tuple[str, str], list[str]] = {}
    for side, number, rule in re.findall(r"-A (to|from)-(\d+) (.*)$", ruleset, re.MULTILINE):
        bodies.setdefault((side, number), []).append(rule)
    assert len(zones) == 18
    assert {number for side, number in bodies if side == "to"} == zones.keys()
    for (side, number), rules in bodies.items():
        option = {"to": r"(?<!! )-d (\S+)", "from": r"(?<!! )-s (\S+)"}[side]
        named = [IPv4Network(address) for rule in rules for address in re.findall(option, rule)]
        assert all(zones[number].supernet_of(address) for address in named)
        assert len(named) >= 0.85 * (len(rules) - 1)
        assert not re.search(r" -p | -[sdio] |ACCEPT|RETURN", f" {rules[-1]}")


def test_acl_is_not_full_of_dead_rules() -> None:
    """Some three in a hundred rules of an ACL have nothing to do, as in real ones."""
    slugs = ["unreachable-rule", "shadowed-rule", "duplicate-rule", "never-matches", "redundant-rule"]
    found = api.lint(api.parse(text("acl", 600)), api.checks(slugs))
    assert not found.undecided
    assert 0.02 <= len({finding.line for finding in found.findings}) / 600 <= 0.04


def test_kube_chains() -> None:
    """Services and endpoints have chains of their own, named as kube-proxy names them, and each is used."""
    ruleset = text("kube", 1000)
    declared = set(re.findall(r"^:(KUBE-(?:SVC|SEP|EXT)-\S+)", ruleset, re.MULTILINE))
    assert all(re.fullmatch(r"KUBE-(SVC|SEP|EXT)-[A-Z2-7]{16}", chain) for chain in declared)
    assert declared == set(re.findall(r"-j (KUBE-(?:SVC|SEP|EXT)-\S+)", ruleset))
    assert "--probability 0.33333333349 " in ruleset


def test_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    """The command prints the ruleset, or how to use it."""
    assert main(["acl", "60", "3"]) == 0
    assert capsys.readouterr().out == text("acl", 60, 3)
    assert main(["campus", "60", "--family", "ipv6", "--edits", "1"]) == 0
    assert capsys.readouterr().out == text("campus", 60, 1, "ipv6", 1)


@pytest.mark.parametrize("wrong", [["acl"], ["acl", "60", "--family", "ipv6"], ["unknown", "60"]], ids=" ".join)
def test_wrong_command_line(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be generated is refused, with how to use the command."""
    with pytest.raises(SystemExit, match="2"):
        main(wrong)
    assert "usage" in capsys.readouterr().err


@pytest.mark.kernel
@real
@kinds
@pytest.mark.parametrize("rules", [50, 10_000])
def test_real_iptables_tests(kind: str, family: str, rules: int, tmp_path: Path) -> None:
    """``iptables-legacy-restore --test`` finds nothing wrong."""
    ruleset = tmp_path / "ruleset"
    ruleset.write_text(text(kind, rules, 1, family))
    tried = in_namespace(f"{PROGRAM[family]}-restore --test", ruleset)
    assert (tried.returncode, tried.stderr) == (0, "")


@pytest.mark.kernel
@real
@kinds
@pytest.mark.parametrize(("rules", "edits"), [(1000, 0), (1000, 30), (10_000, 0)])
def test_real_iptables_loads_and_saves(kind: str, family: str, rules: int, edits: int, tmp_path: Path) -> None:
    """The kernel takes the ruleset, and iptables-save prints the very same rules."""
    ruleset = tmp_path / "ruleset"
    ruleset.write_text(text(kind, rules, 1, family, edits))
    saved = in_namespace(f"{PROGRAM[family]}-restore && {PROGRAM[family]}-save", ruleset)
    assert (saved.returncode, saved.stderr) == (0, "")
    assert bare(rules_of(saved.stdout)) == bare(rules_of(ruleset.read_text()))
