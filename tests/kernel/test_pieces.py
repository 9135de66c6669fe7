"""What ufw loads with iptables-restore -n, and what to do with a shell script: on the real iptables."""

from __future__ import annotations

from pathlib import Path

import pytest

import rulec
from rulec.model import Family
from rulec.syntax.ufw import chains_before
from tests.kernel.conftest import PROGRAM, run_in
from tests.running import rulec as run
from tests.unit.syntax.test_ufw import AFTER6, BEFORE, USER

pytestmark = pytest.mark.kernel

AGAIN = BEFORE.replace("COMMIT", ":ufw-not-local -\n:ufw-not-local -\nCOMMIT")
LATER = BEFORE.replace("-A ufw-not-local -j DROP\n", ":ufw-user-input -\n-A ufw-user-input -j DROP\n")
PIECES = [
    ("before.rules", BEFORE), ("after6.rules", AFTER6), ("user.rules", USER), ("before.rules", AGAIN),
    ("before.rules", LATER), ("before.rules", BEFORE.replace("-j ufw-logging-deny", "-j ufw-loging-deny")),
    ("before.rules", BEFORE.replace("*filter", "*mangle")),
    ("before.rules", BEFORE.replace("COMMIT", "-X ufw-not-local\nCOMMIT")),
    ("before.rules", BEFORE.replace("COMMIT", "-N ufw-not-local\nCOMMIT")),
]  # fmt: skip


OF_LEGACY = [("before.rules", BEFORE.replace("ufw-not-local - ", "ufw-not-local ACCEPT "))]
"""The nft back end reads over the policy of such a chain."""


@pytest.mark.parametrize(
    ("backend", "name", "text"),
    [
        *[(backend, *piece) for backend in ("legacy", "nft") for piece in PIECES],
        *[("legacy", *each) for each in OF_LEGACY],
    ],
)
def test_the_verdict_on_a_piece_is_that_of_restore_without_flushing(
    netns: str, backend: str, name: str, text: str
) -> None:
    ruleset = rulec.parse(text, name)
    program = f"{PROGRAM[ruleset.family]}-{backend}-restore"
    chains = "".join(f":{chain} -\n" for chain in sorted(chains_before(name, text, ruleset.family)))
    run_in(netns, program, "--wait", "-n", text=f"*filter\n{chains}COMMIT\n").check_returncode()
    done = run_in(netns, program, "--wait", "-n", text=text)
    assert (done.returncode == 0) == ruleset.valid, done.stderr
    if ruleset.valid:
        saved = run_in(netns, f"{PROGRAM[ruleset.family]}-{backend}-save", "-t", "filter").stdout
        rules = [line for line in saved.splitlines() if line.startswith("-A")]
        assert rules == [line for line in rulec.canonical(ruleset).splitlines() if line.startswith("-A")]


def test_a_script_run_in_a_namespace_leaves_a_ruleset(tmp_path: Path) -> None:
    script = tmp_path / "firewall.sh"
    script.write_text("#!/bin/sh\necho loading\niptables -P INPUT DROP\niptables -A INPUT -i lo -j ACCEPT\n")
    (finding,) = rulec.parse(script.read_text(), str(script)).findings
    command = finding.hint.partition(": ")[2].partition(" | rulec lint -")[0].replace("FILE", str(script))
    assert command.startswith("unshare -n sh -c ")
    done = run_in("", "sh", "-c", command)
    assert run("lint", "--select", "syntax,load", "-", stdin=done.stdout).code == 0
    assert ":INPUT DROP [0:0]" in done.stdout
    assert rulec.parse(done.stdout, family=Family.IPV4.value).valid
