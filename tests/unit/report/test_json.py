"""Findings as JSON: every part of a finding in its key."""

from __future__ import annotations

import json

from rulec.diagnostics import Confidence, Edit, Finding, Fix, Label, Severity
from rulec.report import json as form
from rulec.source import Source, Span

SOURCE = Source("rules", "*filter\n-A INPUT -j ACCEPT\n-A INPUT -j DROP\n")
ACCEPT = Label(SOURCE, Span(20, 26), "takes every packet")
DROP = Label(SOURCE, Span(39, 43))
EDIT = {"start": 27, "end": 44, "line": 3, "column": 1, "end_line": 4, "end_column": 1, "text": ""}


def told(finding: Finding) -> object:
    return json.loads(form.dumped(form.finding(finding)))


def test_bare_finding() -> None:
    assert told(Finding("some-check", "never met", (DROP,))) == {
        "file": "rules",
        "line": 3,
        "column": 13,
        "end_line": 3,
        "end_column": 17,
        "slug": "some-check",
        "severity": "error",
        "confidence": "proved",
        "message": "never met",
        "help": None,
        "witness": None,
        "related": [],
        "fix": None,
    }


def test_full_finding() -> None:
    fix = Fix("delete the rule", (Edit(Span(27, 44), ""),))
    finding = Finding(
        "some-check", "never met", (DROP, ACCEPT), Severity.NOTE, Confidence.LIKELY, "look up", "tcp to 22", fix
    )
    assert told(finding) == {
        "file": "rules",
        "line": 3,
        "column": 13,
        "end_line": 3,
        "end_column": 17,
        "slug": "some-check",
        "severity": "note",
        "confidence": "likely",
        "message": "never met",
        "help": "look up",
        "witness": "tcp to 22",
        "related": [{"file": "rules", "line": 2, "column": 13, "message": "takes every packet"}],
        "fix": {"title": "delete the rule", "safety": "safe", "edits": [EDIT]},
    }


def test_any_character_comes_back() -> None:
    text = "\x1b \u202e \udce9 名"
    finding = Finding("some-check", text, (Label(Source(text, text), Span(0, 1)),))
    written = form.dumped(form.finding(finding))
    assert written.isascii()
    assert json.loads(written)["message"] == text
