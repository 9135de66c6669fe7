"""rulec explain: a page for every name that lint prints or takes, and for every match and target."""

from __future__ import annotations

import pytest

from rulec import catalogue
from rulec.catalogue.names import MATCH_ALIASES, MATCHES, TARGETS
from rulec.lint.check import GROUPS, Check
from rulec.lint.checks import CHECKS
from rulec.model import VERDICTS
from tests.running import rulec


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.slug)
def test_check(check: Check) -> None:
    """Why it is there, what it says of an example, and what would be done about it."""
    done = rulec("explain", check.slug)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"{check.slug} ({check.severity.value}, group {check.group})\n\n")
    for text in (check.why.strip(), *check.example.bad.splitlines(), *check.example.good.splitlines()):
        assert text.rstrip() in done.out
    assert f"{check.severity.value}[{check.slug}]: " in done.out


def test_a_check_shows_witness_and_fix() -> None:
    lines = rulec("explain", "unreachable-rule").out.splitlines()
    assert "      = witness: tcp 192.0.2.7:40000 > 192.0.2.1:22 syn in eth0 state NEW" in lines
    assert lines[lines.index("The fix is safe:") + 2] == "    - -A INPUT -s 192.0.2.7 -p tcp --dport 22 -j ACCEPT"


@pytest.mark.parametrize("group", GROUPS)
def test_group(group: str) -> None:
    done = rulec("explain", group)
    members = [check for check in CHECKS if check.group == group]
    assert (done.code, done.err) == (0, "")
    assert f"{group} (group of checks)\n" in done.out
    assert [check.slug for check in members if f"    {check.slug} " not in done.out] == []


@pytest.mark.parametrize("name", sorted(MATCHES | TARGETS))
def test_extension(name: str) -> None:
    """What it means, its options, where it is valid, what it needs, rules that load and rules that do not."""
    done = rulec("explain", name)
    extension = catalogue.match(name) or catalogue.target(name)
    assert extension is not None
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"{name} ({'match' if name in MATCHES else 'target'})\n\n")
    assert [option.name for option in extension.options if option.name not in done.out] == []
    assert [module for module in extension.modules if module not in done.out] == []
    assert [example.rule for example in extension.valid if example.rule not in done.out] == []
    for fact in ("families:", "tables:", "chains:", "connection tracking:", "\nvalid\n"):
        assert fact in done.out


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("conntrack", ["connection tracking: one such rule has every packet of the family tracked"]),
        ("CT", ["tables:              raw", "connection tracking: depends on the options"]),
        ("REJECT", ["tables:              filter", "chains:              INPUT, FORWARD, OUTPUT"]),
        ("multiport", ["must have:           at least one option", "not with --dports, --ports"]),
        ("icmp6", ["families:            IPv6\n", "needs:               -p ipv6-icmp"]),
        ("REJECT", ["    -A INPUT -j REJECT --reject-with icmp6-no-route  # IPv6\n"]),
        ("limit", ["answer:              depends on what came before"]),
        ("statistic", ["answer:              left to chance"]),
        ("tcp", ["[!] --sport, --source-port ", "a port or a range first:last"]),
        ("icmp", ["-A INPUT -m icmp --icmp-type 8\n        the match icmp needs -p icmp in the same rule"]),
    ],
)
def test_facts(name: str, facts: list[str]) -> None:
    shown = rulec("explain", name).out
    assert [fact for fact in facts if fact not in shown] == []


@pytest.mark.parametrize("name", sorted(MATCHES | TARGETS))
def test_no_rule_and_no_reason_stands_twice(name: str) -> None:
    page, *_ = rulec("explain", name).out.partition("\n\nsee also")
    valid, _, refused = page.partition("\nvalid\n")[2].partition("\nrefused\n")
    for lines in (valid.split("\n"), [line for line in refused.split("\n") if line.startswith(" " * 8)]):
        told = [line for line in lines if line]
        assert len(set(told)) == len(told)


@pytest.mark.parametrize("alias", MATCH_ALIASES)
def test_other_names(alias: str) -> None:
    assert rulec("explain", alias).out.startswith(f"{MATCH_ALIASES[alias]} (match)\n")


def test_a_name_that_is_two_things_is_told_as_both() -> None:
    shown = rulec("explain", "conntrack").out
    assert shown.startswith("conntrack (match)\n")
    assert "\nconntrack (group of checks)\n" in shown


@pytest.mark.parametrize(
    ("name", "other"), [("mark", "MARK (target)"), ("MARK", "mark (match)"), ("tos", "TOS (target)")]
)
def test_names_that_differ_in_case_only(name: str, other: str) -> None:
    assert rulec("explain", name).out.endswith(f"\n\nsee also: {other}\n")


@pytest.mark.parametrize("verdict", VERDICTS)
def test_verdict(verdict: str) -> None:
    assert rulec("explain", verdict).out.startswith(f"{verdict} (verdict)\n\n")


def test_several_names() -> None:
    shown = rulec("explain", "mark", "load-error").out
    assert shown.startswith("mark (match)\n")
    assert "\nload-error (error, group load)\n" in shown


def test_without_a_name_all_are_listed() -> None:
    done = rulec("explain")
    assert (done.code, done.err) == (0, "")
    listed = {line.split()[0] for line in done.out.splitlines() if line.startswith("    ")}
    assert listed == {*(check.slug for check in CHECKS), *MATCHES, *TARGETS, *VERDICTS}
    assert all(len(line.split()) > 1 for line in done.out.splitlines() if line.startswith("    "))


@pytest.mark.parametrize(
    ("name", "close"),
    [
        ("trackingmatch", "; did you mean tracking-match?"),
        ("SYNTAX", "; did you mean syntax?"),
        ("contrack", "; did you mean conntrack?"),
        ("masquerde", "; did you mean MASQUERADE?"),
        ("accept", "; did you mean ACCEPT?"),
        ("", ""),
        ("\x1b[2J", ""),
    ],
)
def test_unknown(name: str, close: str) -> None:
    message = f"there is no check, group, match or target {name!r}{close}; rulec explain lists them all"
    assert rulec("explain", name) == (2, "", f"rulec: error: {message}\n")
