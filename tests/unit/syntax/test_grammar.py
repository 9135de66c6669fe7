"""The grammar is what decides: each of its productions is needed, and each place of an argument is clear."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

import pytest

from rulec.catalogue.base import BASE
from rulec.syntax import generate, grammar, lark_parser, tables
from rulec.syntax.driver import Driver, digest
from rulec.syntax.driver import tables as tables_of
from rulec.syntax.grammar import Wanted
from rulec.syntax.items import Item
from rulec.syntax.scan import Dialect, Scanner, option_token
from rulec.syntax.words import split
from tests.unit.catalogue.examples import EXTENSIONS
from tests.unit.syntax.body import CHAINS, OPAQUE, Line, lines

LINES = tuple(lines())
ALTERNATIVE = re.compile(r"^(?:(?P<rule>[a-z_]+)|\s+(?P<more>\|)):? (?P<symbols>.+)$", re.M)
EXTENSION_OPTIONS = [option for extension in (BASE, *EXTENSIONS) for option in extension.options]


class Alternative(NamedTuple):
    """One right-hand side of a rule, and where it stands in the grammar."""

    rule: str
    symbols: str
    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.rule}: {self.symbols}"

    @property
    def first(self) -> str:
        """The symbol that one must meet to use it; a ``?`` or ``!`` in front of others tells nothing."""
        return next(symbol for symbol in self.symbols.split() if not symbol.endswith("?"))


def alternatives() -> Iterator[Alternative]:
    """All alternatives of all rules, in order."""
    text = grammar.text()
    rule, begin = "", text.index("\ntable: ")
    for found in ALTERNATIVE.finditer(text, begin):
        rule = found["rule"] or rule
        yield Alternative(rule, found["symbols"], *found.span("symbols"))


ALTERNATIVES = tuple(alternatives())


def source(line: Line) -> Callable[[Callable[[], Wanted | None]], Iterator[Item]]:
    """The items of a line, classed as the parser asks for them."""

    def items(wanted: Callable[[], Wanted | None]) -> Iterator[Item]:
        if line.start == "command":
            front = re.match(r"\[.*?\]", line.text)
            if front:
                yield Item("RULE_COUNTERS", front[0], *front.span())
            scanner = Scanner(Dialect(line.family, OPAQUE), CHAINS.__contains__)
            yield from scanner.scan(split(line.text[front.end() if front else 0 :]), wanted)
        elif line.start == "commit":
            yield Item("COMMIT", line.text, 0, 6)
        else:
            yield from plain(line, wanted)

    return items


def plain(line: Line, wanted: Callable[[], Wanted | None]) -> Iterator[Item]:
    yield Item("STAR" if line.start == "table" else "COLON", line.text[0], 0, 1)
    for word in split(line.text[1:], 1):
        want = wanted()
        yield Item(want.terminal if want else "BAD_ARGUMENT", *word)


@cache
def tokens(line: Line) -> tuple[str, ...]:
    """The tokens of a line under the whole grammar, which takes it."""
    items, rejected = lark_parser.parse(grammar.text(), line.start, source(line))
    assert rejected is None, line
    return tuple(item.token for item in items)


def uses(line: Line, alternative: Alternative) -> bool:
    """Whether a line cannot be read without the alternative."""
    seen = tokens(line)
    if "OPAQUE_OPTION" in alternative.symbols:
        before = {last for last, token in zip(("", *seen), seen, strict=False) if token == "OPAQUE_OPTION"}
        return ("BANG" in before) if alternative.first == "BANG" else bool(before - {"BANG"})
    if alternative.rule in grammar.STARTS:
        return line.start == alternative.rule
    return not set(seen).isdisjoint(firsts(alternative.first))


@cache
def firsts(symbol: str) -> frozenset[str]:
    """The tokens with which a symbol begins."""
    if symbol.isupper():
        return frozenset((symbol,))
    return frozenset().union(*(firsts(each.first) for each in ALTERNATIVES if each.rule == symbol))


def without(alternative: Alternative) -> str:
    """The grammar in which that alternative takes nothing that ever comes."""
    text = grammar.text()
    return f"%declare NEVER\n{text[: alternative.start]}NEVER{text[alternative.end :]}"


def sample() -> list[Line]:
    """A few lines that use every alternative: for each one the first and the last of those that do."""
    found: dict[Line, None] = {}
    for alternative in ALTERNATIVES:
        users = [line for line in LINES if uses(line, alternative)]
        found.update(dict.fromkeys((users[0], users[-1])))
    return list(found)


@pytest.fixture(scope="module", autouse=True)
def _forget_the_mutilated_grammars() -> Iterator[None]:
    yield
    lark_parser.build.cache_clear()


@pytest.mark.parametrize("alternative", ALTERNATIVES, ids=str)
def test_each_production_is_needed_by_the_lines_that_use_it(alternative: Alternative) -> None:
    """Without it exactly those lines are refused."""
    users = [line for line in LINES if uses(line, alternative)]
    others = [line for line in sample() if not uses(line, alternative)]
    assert users
    mutilated = without(alternative)
    taken = [line for line in users + others if lark_parser.parse(mutilated, line.start, source(line))[1] is None]
    assert taken == others


def test_all_alternatives_were_found() -> None:
    rules = grammar.text().partition("\ntable: ")[2]
    bars = len(re.findall(r"^ +\| ", rules, re.M))
    heads = len(re.findall(r"^[a-z_]+: ", f"table: {rules}", re.M))
    assert len(ALTERNATIVES) == bars + heads > 60


def test_each_option_has_its_production_and_each_production_its_option() -> None:
    told = set(re.findall(r"^ *[a-z_|]+:? ([A-Z_]+_OPTION)", grammar.text(), re.M))
    assert told - {"OPAQUE_OPTION"} == {option_token(option) for option in EXTENSION_OPTIONS}


def test_each_option_is_followed_by_the_terminals_of_its_value() -> None:
    for option in EXTENSION_OPTIONS:
        name = option_token(option)
        (production,) = [each for each in ALTERNATIVES if each.first == name and each.rule.endswith("option")]
        assert production.symbols.replace("?", "").split()[1:] == list(option.value.terminals), option.name


class TestLaws:
    """What makes a line that was taken by its shape the same as a line that was parsed."""

    def test_at_each_state_at_most_one_argument_is_admitted(self) -> None:
        made = generate.tables(grammar.text())
        for row in made.states:
            assert len(made.patterns.keys() & row.keys()) <= 1

    def test_every_pattern_matches_whole_words(self) -> None:
        """None looks around itself, and none begins or ends with what another word could share."""
        for name, pattern in generate.tables(grammar.text()).patterns.items():
            assert not re.search(r"\(\?[=!<]|\\b|\^|\$|\\[AZ]", re.sub(r"\[[^]]*\]", "", pattern)), name

    @pytest.mark.parametrize(
        ("terminal", "word", "taken"),
        [
            ("NUMBER", "22", True),
            ("NUMBER", "22x", False),
            ("NUMBER", "x22", False),
            ("NUMBER", "22\n", False),
            ("PORTS", "22:23", True),
            ("PORTS", "22,23", False),
            ("NETWORK", "192.0.2.0/24", True),
            ("NETWORK", "192.0.2.0/24 ", False),
            ("CHUNK_SCOPE", "ALL", True),
            ("CHUNK_SCOPE", "allx", False),
        ],
    )
    def test_a_terminal_takes_a_word_as_a_whole_or_not(self, terminal: str, word: str, taken: bool) -> None:
        assert bool(Driver(tables_of(grammar.text())).fits[terminal](word)) is taken


class TestKeptTables:
    """``rulec/syntax/tables.py`` is of this grammar, and of Lark's making."""

    def test_fresh(self) -> None:
        made = generate.tables(grammar.text())
        with open(tables.__file__, encoding="utf-8") as file:
            assert file.read() == generate.source(made), "run `make grammar`"

    def test_they_are_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """They are taken as they are for the grammar of their digest, and for no other."""
        assert digest(grammar.text()) == tables.DIGEST
        monkeypatch.setattr(generate, "tables", lambda text: pytest.fail("made anew"))
        assert tables_of.__wrapped__(grammar.text()).digest == tables.DIGEST
        made = tables_of(grammar.text())
        monkeypatch.setattr(generate, "tables", lambda text: made)
        assert tables_of.__wrapped__(grammar.text() + "\n") is made

    def test_they_say_what_lark_says(self) -> None:
        assert tables_of(grammar.text()) == generate.tables(grammar.text())

    @pytest.mark.parametrize("start", grammar.STARTS)
    def test_the_driver_takes_the_same_items(self, start: str) -> None:
        driver = Driver(tables_of(grammar.text()))
        for line in LINES:
            if line.start == start:
                assert driver.parse(start, source(line)) == lark_parser.parse(grammar.text(), start, source(line))[0]
