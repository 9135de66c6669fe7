"""The list of the matches that have a meaning, held against the files, the catalogue, and its examples."""

from __future__ import annotations

from pathlib import Path

import pytest

import rulec
from rulec import catalogue
from rulec.catalogue.extension import Answer
from rulec.model import Match, Use
from rulec.semantics import matches
from rulec.semantics.opaque import has_memory
from rulec.semantics.rule import match_conditions
from tests.unit.catalogue.examples import Case, of_kind
from tests.unit.semantics.asking import place, space

FOLDER = Path(matches.__file__).parent
EXAMPLES = [case for case in of_kind("valid") if case.role == "matches" and case.extension.name in matches.MEANINGS]

_PATHS = {
    "PREROUTING": "arriving",
    "INPUT": "input",
    "FORWARD": "forward",
    "OUTPUT": "output",
    "POSTROUTING": "output",
}


def test_each_name_has_a_file_and_each_file_a_name() -> None:
    assert {path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_")} == matches.MEANINGS


@pytest.mark.parametrize("name", sorted(matches.MEANINGS))
def test_each_name_stands_in_the_catalogue_and_has_a_case_here(name: str) -> None:
    extension = catalogue.match(name)
    assert extension is not None
    assert extension.name == name
    cases = "".join(path.read_text() for path in Path(__file__).parent.glob("test_matches*.py"))
    assert f"-m {name} " in cases or any(f"{option.name} " in cases for option in extension.options)


@pytest.mark.parametrize("case", EXAMPLES, ids=str)
def test_each_example_of_the_catalogue_has_a_meaning(case: Case) -> None:
    """All its options are known, and what it asks is a question about packets."""
    where = place(case.family, f"{_PATHS[case.example.chain]} {case.example.chain}")
    ruleset = rulec.parse(case.ruleset(), "rules", case.family.value)
    for rule, _ in ruleset.rules(ruleset.tables[case.example.table].chains[case.example.chain]):
        for match in rule.matches:
            for condition in match_conditions(match, where):
                assert condition.packets.space is space(case.family)


@pytest.mark.parametrize("name", sorted(matches.MEANINGS))
def test_what_the_catalogue_calls_stateful_has_a_memory(name: str) -> None:
    extension = catalogue.match(name)
    assert extension is not None
    assert has_memory(Match(name, ())) is (extension.answer is not Answer.PURE)


@pytest.mark.parametrize("option", ["--packets-eq", "--packets-lt", "--bytes-gt"])
def test_a_set_has_a_memory_where_its_counters_are_asked(option: str) -> None:
    asked = Use("--match-set", False, ("test", ("src",)))
    assert not has_memory(Match("set", (asked,)))
    assert has_memory(Match("set", (asked, Use(option, False, 1))))
