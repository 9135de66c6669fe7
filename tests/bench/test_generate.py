"""The generated rulesets are what the benchmark says they are: the same by seed, varied, and such as iptables loads."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.bench.generate import FAMILIES, main, text
from tests.bench.recipes import options, shape

RESTORE = shutil.which("iptables-legacy-restore")
families = pytest.mark.parametrize("family", sorted(FAMILIES))


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


@families
def test_same_seed_same_ruleset(family: str) -> None:
    """Only the seed decides."""
    assert text(family, 500, seed=7) == text(family, 500, seed=7)
    assert text(family, 500, seed=7) != text(family, 500, seed=8)


@families
@pytest.mark.parametrize("rules", [50, 51, 1000, 10_000])
def test_number_of_rules(family: str, rules: int) -> None:
    """There are exactly as many rules as asked for."""
    assert len(rules_of(text(family, rules))) == rules


@families
def test_too_small(family: str) -> None:
    """What does not hold the fixed rules is refused."""
    with pytest.raises(ValueError, match="at least"):
        list(FAMILIES[family](5, 1))


@families
def test_counters_and_quoted_comments(family: str) -> None:
    """A tenth of the lines has counters; a tenth, and with kube-proxy nearly all, a quoted comment."""
    rules = rules_of(text(family, 10_000))
    counted = sum(rule.startswith("[") for rule in rules)
    quoted = sum('--comment "' in rule for rule in rules)
    assert 900 <= counted <= 1100
    assert 1000 <= quoted <= (1400 if family == "acl" else 10_000)


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
    """200,000 rules of an ACL name 200,000 different hosts and networks."""
    found = re.findall(r" -[sd] (\S+)", text("acl", 200_000))
    assert len(set(found)) >= 200_000


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
    assert main(["acl"]) == 2
    assert "usage" in capsys.readouterr().err


@pytest.mark.kernel
@real
@families
@pytest.mark.parametrize("rules", [50, 10_000])
def test_real_iptables_tests(family: str, rules: int, tmp_path: Path) -> None:
    """``iptables-legacy-restore --test`` finds nothing wrong."""
    ruleset = tmp_path / "ruleset"
    ruleset.write_text(text(family, rules))
    tried = in_namespace("iptables-legacy-restore --test", ruleset)
    assert (tried.returncode, tried.stderr) == (0, "")


@pytest.mark.kernel
@real
@families
@pytest.mark.parametrize("rules", [1000, 10_000])
def test_real_iptables_loads_and_saves(family: str, rules: int, tmp_path: Path) -> None:
    """The kernel takes the ruleset, and iptables-save prints the very same rules."""
    ruleset = tmp_path / "ruleset"
    ruleset.write_text(text(family, rules))
    saved = in_namespace("iptables-legacy-restore && iptables-legacy-save", ruleset)
    assert (saved.returncode, saved.stderr) == (0, "")
    assert bare(rules_of(saved.stdout)) == bare(rules_of(ruleset.read_text()))
