"""What holds of every TOML text: each key and each value has its place, and nothing that is wrong raises."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rulec.settings.kinds import PORTS, Key, Known
from rulec.settings.locate import locate
from rulec.settings.read import read
from rulec.settings.shape import FILE
from rulec.source import Source

KEYS = st.one_of(
    st.sampled_from([*FILE.keys, "lint.select", "lint.checks.open-to-world", "target.kernel", '"a b".c', "'x.y'", "1"]),
    st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True),
)
PLAIN = st.sampled_from(
    [
        "1",
        "-0.5",
        "true",
        '"a # b"',
        "'c]'",
        '"""d\n"e" """',
        "'''f\n'''",
        "1979-05-27 07:32:00Z",
        '"\\"g"',
        "[]",
        "{}",
        '""',
    ]
)


def inline(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    lists = st.lists(values, max_size=3).map(lambda items: "[ " + ", # more\n".join(items) + "\n]")
    tables = st.lists(values, max_size=3).map(
        lambda items: "{" + ", ".join(f"k{number} = {item}" for number, item in enumerate(items)) + "}"
    )
    return st.one_of(lists, tables)


VALUES = st.recursive(PLAIN, inline, max_leaves=6)
PAIRS = st.builds("{} = {} # why\n".format, KEYS, VALUES)
HEADS = st.builds(lambda key, many: f"\n[[{key}]]\n" if many else f"[ {key} ]\n", KEYS, st.booleans())
TEXTS = st.lists(st.one_of(PAIRS, PAIRS, HEADS), max_size=8).map("".join)
KNOWN = Known(("open-to-world", "ruleset"), {"open-to-world": {"ports": Key(PORTS, "")}})


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> dict[tuple[str | int, ...], Any]:
    if isinstance(value, dict):
        found = [leaves(one, (*path, key)) for key, one in value.items()]
    elif isinstance(value, list):
        found = [leaves(one, (*path, number)) for number, one in enumerate(value)]
    else:
        return {path: value}
    return {key: one for some in found for key, one in some.items()}


@given(TEXTS)
def test_every_value_has_its_place(text: str) -> None:
    try:
        data = tomllib.loads(text)
    except ValueError:
        return
    places = locate(text)
    for path, value in leaves(data).items():
        start, end = places.values[path]
        assert tomllib.loads(f"x = {text[start:end]}")["x"] == value


@given(st.one_of(TEXTS, st.text(max_size=60)), st.sampled_from(["rulec.toml", "pyproject.toml"]))
def test_nothing_that_is_wrong_raises(text: str, name: str) -> None:
    source = Source(name, text)
    _, problems = read(source, KNOWN, "/")
    assert all(0 <= problem.place.span.start <= problem.place.span.end <= len(text) for problem in problems)
