"""The page about output: each command prints what stands there, and every form and key is named."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from rulec.report.formats import FORMATS
from tests.pages import ROOT, Shown, play, renewed, shown
from tests.running import rulec

PAGE = ROOT / "docs" / "output.md"


def test_prints_what_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text(encoding="utf-8")
    found: dict[Shown, str] = {each: play(each) for each in shown(text)}
    assert len(found) == 4
    if request.config.getoption("--update-golden"):
        PAGE.write_text(renewed(text, found), encoding="utf-8")
    for each, printed in found.items():
        assert printed.strip() == each.output.strip(), each.command


def test_all_forms_are_named() -> None:
    assert re.findall(r"(?m)^\| `([a-z-]+)` \| ", PAGE.read_text(encoding="utf-8"))[: len(FORMATS)] == list(FORMATS)


def test_all_keys_of_json_are_named_or_shown() -> None:
    document = json.loads(rulec("lint", "--output-format", "json", "-", stdin="x\n").out)
    text = PAGE.read_text(encoding="utf-8")
    keys = [*document, *document["diagnostics"][0], *document["summary"], *document["summary"]["files"][0]]
    assert [key for key in keys if f'"{key}"' not in text and f"`{key}`" not in text] == []
