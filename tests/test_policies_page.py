"""The examples of docs/policies.md: each command prints what stands there, and each result is proved."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rulec import api
from rulec.analysis.tracking import tracking_facts
from rulec.policy.shape import EntryShape, FileShape
from tests.pages import ROOT, Shown, play, renewed, sections, shown
from tests.running import Done, rulec

PAGE = ROOT / "docs" / "policies.md"
SECTIONS = sections(PAGE)
WITH_EXAMPLES = [name for name, text in SECTIONS.items() if "```console" in text]
"""What is shown there is done in the order of the page, in a folder of its own for each section."""

MUST_HAVE = (
    "A server",
    "A client",
    "A forwarded backend",
    "Loopback",
    "ICMP errors",
    "Fragments",
    "No tracking at all",
    "What is lost",
)


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_prints_what_the_page_shows(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(tmp_path)
    found: dict[Shown, str] = {each: play(each) for each in shown(SECTIONS[name])}
    if request.config.getoption("--update-golden"):
        PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8"), found), encoding="utf-8")
    for each, printed in found.items():
        assert printed.strip() == each.output.strip(), each.command


@pytest.mark.parametrize("name", MUST_HAVE)
def test_there_is_an_example_of_each(name: str) -> None:
    commands = [each.command for each in shown(SECTIONS[name])]
    assert any(command.startswith("rulec compile") for command in commands)
    assert sum(command.startswith("cat ") for command in commands) >= 2


def test_the_table_of_keys_has_all_of_them() -> None:
    keys = {name.replace("_", "-") for shape in (FileShape, EntryShape) for name in shape.model_fields}
    table = SECTIONS["The file"]
    assert {key for key in keys if f"`{key}`" not in table} == set()


def test_ready_policies_are_listed() -> None:
    text = PAGE.read_text(encoding="utf-8")
    ready = {path.name for path in (ROOT / "policies").glob("*.yaml")}
    assert {name for name in ready if f"(../policies/{name})" not in text} == set()


# ── what the page says in words ──

RULES = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT DROP [0:0]
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT
-A OUTPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
COMMIT
"""
ENTRY = "hot:\n  - {name: web, role: server, protocol: tcp, ports: 80}\n"


def written(folder: Path, top: str, *options: str, rules: str = RULES) -> Done:
    """A compilation of a web server with some settings at the top of the policy."""
    source, policy = folder / "rules", folder / "policy.yaml"
    source.write_text(rules, encoding="utf-8")
    policy.write_text(f"version: 1\n{top}{ENTRY}", encoding="utf-8")
    done = rulec("compile", source, "--policy", policy, *options)
    assert done.code == 0, done.err
    return done


def types(text: str) -> set[int]:
    """The ICMP types that are let in by rules."""
    return {int(number) for number in re.findall(r"--icmp(?:v6)?-type (\d+) .*-j ACCEPT", text)}


@pytest.mark.parametrize(("family", "found"), [("ipv4", {3, 11, 12}), ("ipv6", {1, 2, 3, 4})])
@pytest.mark.parametrize("kind", ["exact", "wide"])
def test_errors_of_these_types_are_let_in(kind: str, family: str, found: set[int], tmp_path: Path) -> None:
    text = written(tmp_path, f"mode: notrack\nicmp-errors: {kind}\n", "--family", family).out
    assert types(text) == found
    assert ("-m u32" in text) is (kind == "exact")


def test_leave_adds_no_rule_for_errors(tmp_path: Path) -> None:
    assert types(written(tmp_path, "mode: notrack\nicmp-errors: leave\n").out) == set()


def test_without_u32_is_the_same_as_wide(tmp_path: Path) -> None:
    without = written(tmp_path, "mode: notrack\n", "--without", "u32").out
    wide = written(tmp_path, "mode: notrack\nicmp-errors: wide\n").out
    assert re.sub("(?m)^#.*$", "", without) == re.sub("(?m)^#.*$", "", wide)


def test_fragments_may_be_left(tmp_path: Path) -> None:
    certificate = tmp_path / "certificate"
    top, options = "mode: stateless\nfragments: {}\n", ("--family", "ipv6", "--certificate", str(certificate))
    assert "-m socket" in written(tmp_path, top.format("reassemble"), *options).out
    assert "fragments" not in certificate.read_text(encoding="utf-8").partition("lost:")[2]
    assert "-m socket" not in written(tmp_path, top.format("leave"), *options).out
    assert "fragments" in certificate.read_text(encoding="utf-8").partition("lost:")[2]


def test_dialects(tmp_path: Path) -> None:
    assert written(tmp_path, "mode: notrack\n").out.count("-j CT --notrack\n") == 2
    assert written(tmp_path, "mode: notrack\ndialect: notrack\n").out.count("-j NOTRACK\n") == 2


def test_stateless_has_nothing_tracked(tmp_path: Path) -> None:
    text = written(tmp_path, "mode: stateless\n").out
    assert "conntrack" not in text
    assert not tracking_facts(api.parse(text)).tracks
