"""Reading by shapes gives what Lark gives for every line: the same findings, the same ruleset."""

from __future__ import annotations

import os
import random

import pytest

import rulec
from rulec.syntax.shapes import Template
from tests.property.lines import Body, batch, batches, bodies, reading

LINES = int(os.environ.get("RULEC_MUTATED_LINES", "20000"))
PARTS = 8
SIZE = 100


@pytest.mark.parametrize("body", bodies(), ids=lambda body: f"{body.table} {body.family.value}")
def test_every_line_of_the_body(body: Body, monkeypatch: pytest.MonkeyPatch) -> None:
    """Good lines and bad ones, once and again when their shapes are known."""
    text = body.ruleset(body.lines * 2)
    by_shapes, by_lark = (reading(text, body.family, shapes, monkeypatch) for shapes in (True, False))
    assert by_shapes.findings == by_lark.findings
    assert by_shapes.canonical == by_lark.canonical
    assert by_lark.canonical.count("-A ") > len(body.lines) // 2


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_mutated_lines(part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines with a word or a character changed, in whole rulesets; RULEC_MUTATED_LINES says how many."""
    rng = random.Random(part)
    valid = broken = 0
    for body, lines in batches(LINES // PARTS, SIZE, rng):
        text = body.ruleset(lines)
        by_shapes, by_lark = (reading(text, body.family, shapes, monkeypatch) for shapes in (True, False))
        assert by_shapes == by_lark
        broken += len({finding[2] for finding in by_lark.findings})
        valid += by_lark.canonical.count("-A ")
    assert min(valid, broken) > LINES // PARTS // 4


def test_arguments_are_tested_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many of the mutated lines are of a known shape, so that the test above can fail."""
    body = bodies()[0]
    text = body.ruleset(batch(body, 1000, random.Random(0)))
    findings = len(rulec.parse(text, family=body.family.value).findings)
    monkeypatch.setattr(Template, "failed_rows", lambda template: [])
    assert len(rulec.parse(text, family=body.family.value).findings) < findings - 50
