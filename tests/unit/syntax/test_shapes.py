"""Which lines are known by their shape, and what of a line is left to be looked at then."""

from __future__ import annotations

import pytest

import rulec
from rulec.model import Family
from rulec.source import Source
from rulec.syntax.reader import Reader
from rulec.syntax.scan import Dialect
from rulec.syntax.shapes import LONGEST_LINE, MARK, arguments_of
from tests.property.lines import bodies
from tests.unit.syntax.reading import table

A = "-A INPUT"

KEPT = [
    (f"{A} -j DROP", "-A* -j*"),
    (f"{A} -s 192.0.2.1 ! -i lo -j DROP", "-A* -s* ! -i* -j*"),
    (f"[1:2] {A} -s 192.0.2.1 -j DROP", "-A* -s* -j*"),
    (f"{A} -p tcp -m tcp --dport 22 -j DROP", "-A* -p tcp -m tcp --dport* -j*"),
    (f'{A} -m comment --comment "two words" -j DROP', "-A* -m comment --comment* -j*"),
    (f"{A} -m comment --comment one -j DROP", "-A* -m comment --comment* -j*"),
    (f"{A} -j LOG --log-prefix a", "-A* -j LOG --log-prefix*"),
    (f"{A} -m set --match-set a src -j web", "-A* -m set --match-set** -j*"),
    (f"{A} -g web", "-A* -g*"),
    (f"{A} -m geoip --source-country A1 -j DROP", "-A* -m geoip --source-country* -j*"),
]

NOT_KEPT = [
    # a quote that is no more than a whole argument
    f'{A} -m comment --comment "a \\" b"',
    f'{A} -m comment --comment a"b"',
    f'{A} -m comment --comment="a b"',
    f'{A} "-j" DROP',
    f'{A} -m "mark" --mark 1',
    f'{A} -m comment --comment "unclosed',
    # an argument that decides what other words are
    f"{A} -m  mark --mark 1",
    f"{A} -p  tcp --dport 22",
    f"{A} -j  LOG --log-level 4",
    f'{A} -j "LOG" --log-level 4',
    # a jump to a chain that is named like a target
    f":LOG -\n{A} -j LOG",
    # other commands, and lines that are read differently elsewhere
    "-I INPUT -j DROP",
    f"{A} -6 -j DROP",
    "-F INPUT",
    f"{A} -j DROP # comment",
]


def shapes(body: str) -> list[str]:
    """The shapes that a reader keeps of these lines, ``*`` for each argument."""
    reader = Reader(Source("-", table(f":web -\n{body}")), Dialect(Family.IPV4, frozenset({"geoip"})))
    reader.run()
    return [shape.replace(MARK, "*") for shape in reader.shapes.templates]


@pytest.mark.parametrize(("line", "shape"), KEPT)
def test_kept(line: str, shape: str) -> None:
    assert shapes(line) == [shape]
    assert shapes(f"{line}\n{line}") == [shape]


def test_options_that_nobody_knows_are_read_by_shape_as_by_the_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    words = (
        "A1",
        "A2",
        "! A1",
        "A1 A2",
        "! A1 A2",
        "A1 ! --ssid x",
        "-j",
        "--ssid",
        "A1 -p tcp",
        "A1 -6",
        '"A 1"',
        "A1 #",
    )
    lines = "\n".join(f"{A} -m geoip --source-country {word} -j DROP" for word in words * 2)
    read = []
    for shapes in ("1", "0"):
        monkeypatch.setenv("RULEC_SHAPES", shapes)
        ruleset = rulec.parse(table(lines), family="ipv4", opaque=("geoip",))
        rules = [
            placed
            for one in ruleset.tables.values()
            for chain in one.chains.values()
            for placed in ruleset.rules(chain)
        ]
        read.append(([str(finding) for finding in ruleset.findings], rules))
    assert read[0] == read[1]
    assert len(read[0][1]) > len(words)


@pytest.mark.parametrize("body", NOT_KEPT)
def test_not_kept(body: str) -> None:
    assert shapes(body) == []


def test_no_shape_that_is_kept_holds_a_quote() -> None:
    """Nor does any take out words of which the catalogue says that they decide about others."""
    kept = [shape for body in bodies() for shape in shapes("\n".join(body.lines))]
    assert len(kept) > 500
    assert not [shape for shape in kept if '"' in shape or " -m*" in shape or " -p*" in shape]


def test_the_first_line_of_a_shape_stays() -> None:
    """A later one that goes through the parser all the same does not put away what is still to be tested."""
    body = f'{A} -s 192.0.2.1\n{A} -s 192.0.2.256\n{A} -s 192.0.2.1,192.0.2.2\n-A "INPUT" -s 192.0.2.1'
    reader = Reader(Source("-", table(body)), Dialect(Family.IPV4))
    reader.run()
    assert [found.line for found in reader.ruleset.findings] == [3]


def test_long_lines_are_not_taken_by_their_shape() -> None:
    """The limits of iptables-restore are known to the parser alone."""
    rules = [f"{A} -m comment --comment {'x' * length}" for length in (1, 2, LONGEST_LINE, 1024)]
    reader = Reader(Source("-", table("\n".join(rules))), Dialect(Family.IPV4))
    reader.run()
    assert [bool(reader.ruleset.templates[line].holes) for line in (3, 4)] == [True, False]
    assert [found.line for found in reader.ruleset.findings] == [5]


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        (f"{A} -s 192.0.2.1 -j DROP", ["INPUT", "192.0.2.1", "DROP"]),
        (f'[1:2] {A} -m comment --comment "a b"', ["INPUT", "a b"]),
        (f"{A} -m mark ! --mark 1/2 -j LOG", ["INPUT", "1/2"]),
        ("", []),
    ],
)
def test_arguments(line: str, arguments: list[str]) -> None:
    assert arguments_of(line) == arguments
