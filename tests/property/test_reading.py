"""What holds of every text, whatever its bytes, and of every valid ruleset."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rulec
from rulec.api import format_ruleset
from rulec.model import Family
from rulec.syntax.ruleset import Ruleset
from tests.property.lines import Body, batch, bodies, mutated

BODIES = bodies()
ODD_LINES = st.sampled_from(
    ["*filter", "*nat x", "* raw", ":INPUT DROP [1:2]", ":web -", ":web [0:0]", ":INPUT DROP [" + "9" * 5000 + ":1]",
     "COMMIT", "COMMIT ", " COMMIT", "# web", " # web", "", " ", "-h", "-V", "-6 -A INPUT", "-L", "[1:2] -A INPUT",
     "[" + "9" * 5000 + ":1] -A INPUT", "[", "]", "-N web", "-X", "-E web www", "-D INPUT 1", "-I INPUT 2", "-R web 1",
     "-A INPUT -j web", "-A web -j web", "-A INPUT -s 192.0.2.1,192.0.2.2", '-A INPUT -m comment --comment "',
     "-A INPUT -c " + "9" * 500 + " 1", "-A INPUT -p " + "9" * 500, "-A INPUT -s 1.1.1.1/" + "9" * 500]
)  # fmt: skip
PIECES = st.one_of(
    ODD_LINES,
    st.text(alphabet="-!\"'\\ \t\r\0\x01,:/=[]*#.+0129aAmpsjx\u00e9\u0662\u00b2\udcff", max_size=40),
    st.builds(
        lambda body, seed: mutated(random.Random(seed).choice(body.lines), body.lines, random.Random(seed)),
        st.sampled_from(BODIES),
        st.integers(0, 2**32),
    ),
)
TEXTS = st.builds(
    lambda lines, end: "*filter\n" + "\n".join(lines) + end,
    st.lists(PIECES, max_size=12),
    st.sampled_from(["\nCOMMIT\n", "\n", "", "\nCOMMIT"]),
)
FAMILIES = st.sampled_from([family.value for family in Family])


def check(ruleset: Ruleset, text: str) -> None:
    """What holds of every reading."""
    assert rulec.emit(ruleset) == text
    ends = [len(line) for line in text.split("\n")]
    for found in ruleset.findings:
        assert found.message
        assert "\n" not in found.slug + found.message.replace("\\n", "")
        for label in found.labels:
            assert 0 <= label.span.start <= label.span.end <= len(text)
        assert 1 <= found.line <= found.end_line <= len(ends)
        assert 1 <= found.column <= ends[found.line - 1] + 1
        assert 1 <= found.end_column <= ends[found.end_line - 1] + 1
    assert [found.place.span for found in ruleset.findings] == sorted(found.place.span for found in ruleset.findings)


@given(TEXTS, FAMILIES)
def test_any_text_is_read(text: str, family: str) -> None:
    check(rulec.parse(text, family=family), text)


@given(st.binary(max_size=300), st.sampled_from(["rules.v4", "rules.v6", "rules"]))
def test_any_bytes_are_read(content: bytes, name: str) -> None:
    text = content.decode("utf-8", "surrogateescape")
    ruleset = rulec.parse(text, name)
    check(ruleset, text)
    assert rulec.emit(ruleset).encode("utf-8", "surrogateescape") == content


@given(TEXTS, FAMILIES)
def test_what_is_valid_can_be_printed(text: str, family: str) -> None:
    ruleset = rulec.parse(text, family=family)
    if ruleset.valid:
        printed(ruleset)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: f"{body.table} {body.family.value}")
def test_bodies_can_be_printed(body: Body) -> None:
    """The lines that are valid, those of the catalogue and some of the mutated ones, as one ruleset."""
    lines = [*body.lines, *batch(body, 300, random.Random(0))]
    ruleset = rulec.parse(body.ruleset(lines), family=body.family.value)
    wrong = {found.line for found in ruleset.findings}
    good = [line for number, line in enumerate(ruleset.source.text.split("\n"), 1) if number not in wrong]
    ruleset = rulec.parse("\n".join(good), family=body.family.value)
    assert ruleset.findings == ()
    printed(ruleset)


def printed(ruleset: Ruleset) -> None:
    """The two forms of a valid ruleset mean the same, and are their own forms."""
    comments = [line for line in ruleset.source.text.split("\n") if line.startswith("#")]
    formatted = format_ruleset(ruleset)
    again = rulec.parse(formatted, family=ruleset.family.value)
    assert format_ruleset(again) == formatted
    assert rulec.canonical(again) == rulec.canonical(ruleset)
    assert [line for line in formatted.split("\n") if line.startswith("#")] == comments
