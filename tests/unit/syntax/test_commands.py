"""What commands do to the chains of a table, in the order in which they stand, and which of them fail.

All of it was tried on iptables-legacy-restore 1.8.9.
"""

from __future__ import annotations

import pytest

import rulec
from rulec.syntax.ruleset import Ruleset
from tests.unit.syntax.reading import chains_and_rules, read, said

A = "-A INPUT"
TWO = f"{A} -i a\n{A} -i b"
LOGGED = "*mangle\n-A INPUT -j LOG --log-prefix x\nCOMMIT\n*filter\n:LOG - [0:0]\n-A INPUT -j LOG\nCOMMIT\n"

DONE = [
    # rules
    (f"{TWO}\n-I INPUT -i c", ["c", "a", "b"]),
    (f"{TWO}\n-I INPUT 2 -i c", ["a", "c", "b"]),
    (f"{TWO}\n-I INPUT 3 -i c", ["a", "b", "c"]),
    (f"{TWO}\n-R INPUT 2 -i c", ["a", "c"]),
    (f"{TWO}\n-D INPUT 1", ["b"]),
    (f"{TWO}\n-D INPUT 0x2", ["a"]),
    (f"{TWO}\n-D INPUT -i a", ["b"]),
    (f"{TWO}\n{A} -i a\n-D INPUT -i a", ["b", "a"]),
    (f"{TWO}\n-C INPUT -i b", ["a", "b"]),
    (f"{TWO}\n-Z INPUT 2\n-Z INPUT\n-Z", ["a", "b"]),
    (f"{TWO}\n-F INPUT", []),
    (f"{TWO}\n-F", []),
    (f"{A} -i a -c 1 2\n-D INPUT -i a", []),
    (f"{A} -p tcp --dport ssh\n-D INPUT -p 6 -m tcp --dport 22", []),
    (f"{A} -s 192.0.2.1,192.0.2.2 -i a\n-D INPUT -s 192.0.2.2 -i a\n{A} -i b", ["-s 192.0.2.1/32 -i a", "b"]),
    ("-I INPUT -s 192.0.2.1,192.0.2.2 -i a", ["-s 192.0.2.2/32 -i a", "-s 192.0.2.1/32 -i a"]),
]

CHAINS = [
    ("-N b\n-N a", [":a - [0:0]", ":b - [0:0]"]),
    ("-N a\n-X a", []),
    ("-N a\n-N b\n-X", []),
    ("-N a\n-A a -j DROP\n-F a\n-X a", []),
    (f"-N a\n{A} -j a\n-E a b", [":b - [0:0]", "-A INPUT -j b"]),
    (f":a -\n{A} -j a\n-E a b\n-D INPUT -j b\n-X b", []),
    ("-N a\n-A a -j DROP\n-A INPUT -j a\n-S a\n-S OUTPUT\n-F INPUT\n-S\n-L", [":a - [0:0]", "-A a -j DROP"]),
    ("-P INPUT DROP", [":INPUT DROP [0:0]"]),
    (":INPUT ACCEPT [1:2]\n-P INPUT DROP", [":INPUT DROP [0:0]"]),
    ("[3:4] -P INPUT DROP", [":INPUT DROP [3:4]"]),
    ("-P INPUT DROP -c 3 4", [":INPUT DROP [3:4]"]),
    (":INPUT DROP\n-P INPUT ACCEPT", []),
    ("-4 -N a\n-6 -N a\n-N b", [":a - [0:0]", ":b - [0:0]"]),
]

FAILED = [
    # rules
    (f"{TWO}\n-I INPUT 4 -i c", "4:1", "has 2 rules"),
    (f"{TWO}\n-R INPUT 3 -i c", "4:1", "has 2 rules"),
    (f"{TWO}\n-D INPUT 3", "4:1", "has 2 rules"),
    (f"{TWO}\n-Z INPUT 3", "4:1", "has 2 rules"),
    (f"{TWO}\n-D INPUT 0", "4:10", "count from 1"),
    (f"{TWO}\n-I INPUT 0 -i c", "4:10", "count from 1"),
    (f"{TWO}\n-D INPUT -i c", "4:1", "no such rule"),
    (f"{TWO}\n-C INPUT -i c", "4:1", "no such rule"),
    (f"{A} -i a -j DROP\n-D INPUT -i a", "3:1", "no such rule"),
    (f"{TWO}\n-R INPUT 1 -s 192.0.2.1,192.0.2.2", "4:1", "one rule"),
    (f"{TWO}\n-D INPUT -i a -c 1 2", "4:15", "--set-counters"),
    ("-F INPUT -s 192.0.2.1", "2:10", "--source"),
    ("-F INPUT -j DROP", "2:13", "target"),
    ("-R INPUT -j DROP", "2:10", "number of a rule"),
    # a rule that is not valid holds no place, also where its shape is known
    (f"{A} -s 192.0.2.1\n{A} -s 192.0.2.256\n-D INPUT 2", "4:1", "has 1 rules"),
    # chains
    ("-F a", "2:1", "no chain 'a'"),
    ("-X a", "2:1", "no chain 'a'"),
    ("-X INPUT", "2:1", "base chain"),
    ("-N a\n-N a", "3:1", "exists already"),
    (f"-N a\n{A} -j a\n-S", "4:1", "-S"),
    (f"-N a\n{A} -j a\n-S INPUT", "4:1", "-S"),
    (f"-N a\n{A} -j a\n-S INPUT 1", "4:1", "-S"),
    ("-N INPUT", "2:1", "exists already"),
    ("-N LOG", "2:1", "target"),
    ("-N DROP", "2:1", "target"),
    ("-N !a", "2:1", "'!'"),
    ("-N " + "n" * 29, "2:1", "28 bytes"),
    ("-N a\n-A a\n-X a", "4:1", "still holds rules"),
    (f"-N a\n{A} -j a\n-X a", "4:1", "still jumps"),
    (f"-N a\n{A} -j a\n-X", "4:1", "still jumps"),
    ("-E INPUT a", "2:1", "base chain"),
    ("-N a\n-E a a", "3:1", "exists already"),
    ("-N a\n-E a -b", "3:1", "'-'"),
    ("-N a\n-E a b\n-A a", "4:1", "no chain 'a'"),
    ("-N a\n-P a DROP", "3:1", "no base chain"),
    ("-P INPUT RETURN", "2:1", "'RETURN'"),
    ("-N a -F", "2:6", "another command"),
]


@pytest.mark.parametrize(("body", "rules"), DONE)
def test_rules(body: str, rules: list[str]) -> None:
    ruleset = read(body)
    assert said(ruleset) == []
    assert chains_and_rules(ruleset) == [f"{A} {rule if ' ' in rule else f'-i {rule}'}" for rule in rules]


@pytest.mark.parametrize(("body", "lines"), CHAINS)
def test_chains(body: str, lines: list[str]) -> None:
    ruleset = read(body)
    assert said(ruleset) == []
    assert chains_and_rules(ruleset) == lines


@pytest.mark.parametrize(("body", "place", "message"), FAILED)
def test_failed(body: str, place: str, message: str) -> None:
    found = read(body).findings[-1]
    assert (f"{found.line}:{found.column}", found.slug) == (place, "syntax-error")
    assert message in found.message


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [("nat", "-P OUTPUT DROP", "nat"), ("nat", "-A OUTPUT -j DROP", "nat"), ("raw", "-A INPUT", "no chain 'INPUT'")],
)
def test_failed_in_its_table(name: str, body: str, message: str) -> None:
    (found,) = read(body, name).findings
    assert message in found.message


class TestChainsNamedLikeTargets:
    """``:LOG`` hides the target LOG in all tables behind it, and in none before."""

    def test_each_line_means_what_it_meant_there(self) -> None:
        ruleset = rulec.parse(LOGGED, family="ipv4")
        assert said(ruleset) == []
        assert [line for line in rulec.canonical(ruleset).splitlines() if line.startswith("-A")] == [
            "-A INPUT -j LOG --log-prefix x",
            "-A INPUT -j LOG",
        ]
        assert [ruleset.parse_line(number).owners[-1].role for number in (2, 6)] == ["target", "base"]

    @pytest.mark.parametrize("shapes", ["0", "1"])
    def test_a_known_shape_is_not_taken_for_the_other(self, shapes: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("RULEC_SHAPES", shapes)
        text = "*mangle\n-A INPUT -j LOG\nCOMMIT\n*filter\n:LOG -\n-A INPUT -j LOG\n-A LOG -j LOG\nCOMMIT\n"
        (found,) = rulec.parse(text, family="ipv4").findings
        assert (found.line, found.slug) == (7, "load-error")
        assert "circle" in found.message

    def test_the_target_is_gone_behind_it(self) -> None:
        (found,) = rulec.parse(LOGGED + "*raw\n-A OUTPUT -j LOG\nCOMMIT\n", family="ipv4").findings
        assert (found.line, found.column) == (9, 14)

    def test_a_new_chain_may_then_bear_the_name(self) -> None:
        assert said(rulec.parse(LOGGED + "*raw\n-N LOG\nCOMMIT\n", family="ipv4")) == []


def test_reading_ends_at_help() -> None:
    """The tables before are loaded, and the one that holds it is not."""
    ruleset = rulec.parse("*raw\nCOMMIT\n*filter\n-A INPUT -j DROP\n-h\nnonsense\n", family="ipv4")
    assert [(found.line, found.slug) for found in ruleset.findings] == [(5, "reading-ends")]
    assert ruleset.valid
    assert list(ruleset.tables) == ["raw"]


def test_a_line_once_more_knows_its_places() -> None:
    """Also where the ruleset is long read, and where its shape was known."""
    ruleset = read(f"{TWO}\n{A} -s 192.0.2.1")
    for number, words in ((3, ["INPUT", "b"]), (4, ["INPUT", "192.0.2.1"])):
        found = ruleset.parse_line(number).arguments
        assert [ruleset.source.text[item.start : item.end] for item in found] == words


def test_chains_know_where_they_were_declared() -> None:
    ruleset = read(":web -\n:OUTPUT DROP\n:OUTPUT ACCEPT\n-N new")
    lines = {name: chain.line for name, chain in ruleset.tables["filter"].chains.items()}
    assert lines == {"INPUT": 0, "FORWARD": 0, "OUTPUT": 3, "web": 2, "new": 5}


def rules_of(ruleset: Ruleset, chain: str) -> list[int]:
    """The lines from which the rules of a chain are, in order."""
    return [placed.line for placed in ruleset.rules(ruleset.tables["filter"].chains[chain])]


def test_rules_know_their_lines() -> None:
    ruleset = read(f"{TWO}\n-I INPUT -s 192.0.2.1,192.0.2.2\n-D INPUT -i a")
    assert rules_of(ruleset, "INPUT") == [4, 4, 3]
