"""Fingerprints stay with their rule when others move, and no two are alike."""

from __future__ import annotations

import pytest

from rulec import api
from rulec.diagnostics import Finding, Label
from rulec.lint.fingerprints import fingerprints
from rulec.source import Span

RULES = """\
*filter
:INPUT DROP [0:0]
:web - [0:0]
-A INPUT -p tcp --dport 22 -j ACCEPT
-A INPUT -p tcp --dport 80 -j web
-A web -s 192.0.2.1 -j DROP
COMMIT
"""


def of(text: str, *wanted: str, slug: str = "some-check") -> tuple[str, ...]:
    """The fingerprints of findings on the lines that hold some words, in order."""
    ruleset = api.parse(text, "rules", "ipv4")
    lines = [number for words in wanted for number, line in enumerate(text.split("\n"), 1) if words in line]
    starts = [ruleset.source.line_starts[line - 1] for line in lines]
    found = [Finding(slug, "", (Label(ruleset.source, Span(start, start + 1)),)) for start in starts]
    return fingerprints(found, ruleset)


def test_form() -> None:
    """A baseline holds them, and alerts of other programs are known by them: how they are made may not change."""
    assert of(RULES, "--dport 22") == ("fb42cee3f399c76f4984bc6d360d5888",)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("*filter\n", "# a comment\n\n*filter\n"),  # lines above
        (":web - [0:0]\n", ":web - [0:0]\n-A INPUT -i lo -j ACCEPT\n"),  # a rule before it
        ("COMMIT\n", "-A INPUT -j DROP\nCOMMIT\n"),  # and behind it
        (RULES.split("\n")[3] + "\n" + RULES.split("\n")[4], RULES.split("\n")[4] + "\n" + RULES.split("\n")[3]),
        ("-p tcp --dport 22", "-m tcp   -p tcp --destination-port 22"),  # other words for the same rule
        ("-p tcp --dport 22", "-p 6 --dport ssh"),
        ("-A INPUT -p tcp --dport 22", "[12:3456] -A INPUT -p tcp --dport 22"),
        ("*filter\n", "*raw\n-A OUTPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n*filter\n"),
    ],
)
def test_what_leaves_a_fingerprint_as_it_is(old: str, new: str) -> None:
    assert old in RULES
    changed = RULES.replace(old, new)
    words = next(word for word in ("--dport 22", "--destination-port 22", "--dport ssh") if word in changed)
    assert of(RULES, "--dport 22")[0] == of(changed, words)[-1]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("--dport 22", "--dport 222"),
        ("-A INPUT -p tcp --dport 22", "-A web -p tcp --dport 22"),
        ("*filter\n:INPUT DROP [0:0]\n", "*mangle\n:INPUT ACCEPT [0:0]\n"),
        ("--dport 22 -j ACCEPT", "--dport 22 -j DROP"),
    ],
)
def test_what_changes_a_fingerprint(old: str, new: str) -> None:
    assert old in RULES
    assert of(RULES, "--dport 22") != of(RULES.replace(old, new), "--dport 22")


def test_another_check_has_another_fingerprint() -> None:
    assert of(RULES, "--dport 22") != of(RULES, "--dport 22", slug="another-check")


def test_chains_are_known_without_their_counters() -> None:
    assert of(RULES, ":INPUT") == of(RULES.replace("[0:0]", "[7:700]"), ":INPUT")
    assert of(RULES, ":INPUT") != of(RULES.replace("DROP", "ACCEPT"), ":INPUT")


def test_rules_that_are_the_same_are_numbered() -> None:
    twice = RULES.replace("COMMIT", "-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT")
    first, second = of(twice, "--dport 22")
    assert first != second
    assert (first,) == of(RULES, "--dport 22")


def test_the_order_of_the_findings_is_of_no_account() -> None:
    twice = RULES.replace("COMMIT", "-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT")
    assert of(twice, "--dport 22", "--dport 80") == of(twice, "--dport 80", "--dport 22")[1:] + of(RULES, "--dport 80")


@pytest.mark.parametrize("words", ["--dprot 22", "--dport 99999", "--dport 22 -j NOWHERE"])
def test_lines_in_error_have_fingerprints(words: str) -> None:
    wrong = RULES.replace("--dport 22", words)
    assert of(wrong, words) == of("# one line more\n" + wrong.replace("-A INPUT -p", "-A INPUT  -p"), words)


def test_configuration_files_have_fingerprints() -> None:
    def first(text: str) -> tuple[str, ...]:
        file = api.read_config("modprobe.d/x.conf", text)
        return fingerprints(api.lint_host([file])[0].findings, file)

    (found,) = first("blacklist nf_conntrack\n")
    assert first("# why\nblacklist   nf_conntrack\n") == (found,)
