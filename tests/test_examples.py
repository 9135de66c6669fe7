"""The examples: what lint says of each, what the compiler makes of them, and the tour through all of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rulec import api
from tests.running import rulec

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden" / "compile"

VERDICTS = {
    "broken.rules": (1, "16 errors, 1 note"),
    "dns-server.rules": (0, "IPv4 is tracked, because of 5 rules (lines 9, 13, 14, 17, 18)"),
    "docker-host.rules": (0, "IPv4 is tracked, because of 10 rules (lines 11, 13, 17, 21, 46, 47, 48, 49, ...)"),
    "ftp-server.rules": (0, "IPv4 is tracked, because of 3 rules (lines 8, 10, 15)"),
    "memcached.rules": (0, "IPv4 is tracked, because of 4 rules (lines 7, 12, 13, 15)"),
    "rhel5-iptables": (0, "IPv4 is tracked, because of 4 rules (lines 15, 16, 17, 18)"),
    "router-nat.rules": (0, "IPv4 is tracked, because of 9 rules (lines 9, 11, 12, 15, 35, 42, 44, 45, ...)"),
    "web-server-next.rules": (0, "IPv4 is tracked, because of 4 rules (lines 12, 13, 16, 22)"),
    "web-server.rules": (0, "IPv4 is tracked, because of 5 rules (lines 12, 13, 19, 22, 23)"),
    "web-server6.rules": (0, "IPv6 is tracked, because of 4 rules (lines 18, 19, 25, 28)"),
}
"""Of each example the exit code of lint and what its last line says behind the name."""

FORMATTED = sorted(VERDICTS.keys() - {"broken.rules", "rhel5-iptables"})

COMPILED = {
    "dns-server.rules": "dns-server.yaml",
    "memcached.rules": "memcached.yaml",
    "web-server.rules": "web.yaml",
    "web-server6.rules": "web.yaml",
}
"""The examples that can be compiled, each by a ready policy file."""

REFUSED = [
    ("docker-host.rules", "web.yaml", 1, "examples/docker-host.rules:52:1", "web: DNAT rewrites this flow"),
    ("docker-host.rules", "web.yaml", 1, "examples/docker-host.rules:53:1", "web: DNAT rewrites this flow"),
    ("ftp-server.rules", "well-known-recipe.yaml", 1, "examples/ftp-server.rules:15:1", "ftp: a connection helper"),
    ("router-nat.rules", "web.yaml", 1, "examples/router-nat.rules:9:1", "web: DNAT rewrites this flow"),
    ("router-nat.rules", "web.yaml", 1, "examples/router-nat.rules:11:1", "web: DNAT rewrites this flow"),
    ("broken.rules", "web.yaml", 2, "examples/broken.rules:7:23", "did you mean --ctstate?"),
]
"""An example, a policy, the exit code, and where the message stands."""


@pytest.fixture(autouse=True)
def in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of files are printed as they are given, so they are given as a reader would."""
    monkeypatch.chdir(ROOT)


def test_every_example_is_tested() -> None:
    assert {path.name for path in (ROOT / "examples").iterdir()} == VERDICTS.keys() | {"demo.sh"}


@pytest.mark.parametrize("name", VERDICTS)
def test_lint(name: str) -> None:
    code, verdict = VERDICTS[name]
    done = rulec("lint", f"examples/{name}")
    assert (done.code, done.out.splitlines()[-1], done.err) == (code, f"examples/{name}: {verdict}", "")


@pytest.mark.parametrize("name", FORMATTED)
def test_is_formatted(name: str) -> None:
    assert rulec("fmt", "--check", f"examples/{name}") == (0, "", "")


def test_the_old_one_is_not_formatted() -> None:
    assert rulec("fmt", "--check", "examples/rhel5-iptables").out == "examples/rhel5-iptables would change\n"


def compiled(path: Path | str, policy: str) -> str:
    done = rulec("compile", path, "--policy", f"policies/{policy}")
    assert done.code == 0, done.err
    return done.out


@pytest.mark.parametrize("name", COMPILED)
def test_compile(name: str, request: pytest.FixtureRequest) -> None:
    golden, text = GOLDEN / name, compiled(f"examples/{name}", COMPILED[name])
    if request.config.getoption("--update-golden"):
        golden.write_bytes(text.encode())
    assert text.encode() == golden.read_bytes()


@pytest.mark.parametrize("name", COMPILED)
def test_compiling_again_changes_nothing(name: str) -> None:
    again = compiled(GOLDEN / name, COMPILED[name])
    assert again.encode() == (GOLDEN / name).read_bytes()


@pytest.mark.parametrize("name", COMPILED)
def test_compiled_ruleset_is_valid(name: str) -> None:
    ruleset = api.load(str(GOLDEN / name))
    assert ruleset.findings == ()
    assert list(ruleset.tables) == ["filter", "raw"]  # raw is loaded last: filter must take UNTRACKED first


@pytest.mark.parametrize(("name", "policy", "code", "place", "reason"), REFUSED)
def test_refused(name: str, policy: str, code: int, place: str, reason: str) -> None:
    done = rulec("compile", f"examples/{name}", "--policy", f"policies/{policy}")
    assert (done.code, done.out) == (code, "")
    said = [line for line in done.err.splitlines() if line.startswith(f"{place}:") and reason in line]
    assert len(said) == 1


def test_what_the_ruleset_does_not_admit_is_left_alone() -> None:
    done = rulec("compile", "examples/rhel5-iptables", "--policy", "policies/web.yaml", "--check")
    assert (done.code, done.out) == (0, "")
    assert "web: tcp/80,443 is not admitted" in done.err


# ── the tour ─────────────────────────────────────────────────────────────────────────────────────


def program(path: Path, command: str) -> Path:
    """A program of one shell command."""
    path.write_text(f"#!/bin/sh\n{command}\n")
    path.chmod(0o755)
    return path


def tour(rulec: Path, temporary: Path) -> subprocess.CompletedProcess[str]:
    """The tour from a folder elsewhere, with the program of that path."""
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)}
    command = ["sh", str(ROOT / "examples" / "demo.sh"), f"./{rulec.name}"]
    return subprocess.run(command, cwd=rulec.parent, env=environment, capture_output=True, text=True, check=False)


def test_demo(tmp_path: Path) -> None:
    done = tour(program(tmp_path / "rulec", f'exec "{sys.executable}" -m rulec "$@"'), tmp_path / "temporary")
    assert (done.returncode, done.stderr) == (0, "")
    steps = done.stdout.count("\n$ rulec ")
    assert done.stdout.endswith(f"\nAll {steps} steps ended as they should.\n")
    assert done.stdout.count(", as it should be)") == steps
    assert {name for name in VERDICTS if f"examples/{name}" not in done.stdout} == set()
    assert not any(word in done.stdout for word in ("Traceback", "internal error"))
    assert list((tmp_path / "temporary").iterdir()) == []


def test_demo_tells_of_surprises(tmp_path: Path) -> None:
    done = tour(program(tmp_path / "rulec", "exit 0"), tmp_path / "temporary")
    assert done.returncode == 1
    assert re.search(r"\n\d+ of \d+ steps did not end as they should\.\n$", done.stdout)
    assert "(exit code 0, and it should be 1)" in done.stdout


def test_demo_needs_a_program(tmp_path: Path) -> None:
    done = tour(tmp_path / "absent", tmp_path / "temporary")
    assert done.returncode == 2
    assert "cannot be run" in done.stderr
