"""The pages that show one command each, or three: each prints what stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.pages import ROOT, Shown, furnished, play, renewed, shown
from tests.running import rulec

PAGES = {"hot.md": "hot", "sizing.md": "size", "modules.md": "modules"}
"""Each page that is about one command, and all its options."""


@pytest.mark.parametrize("name", [*PAGES, "asking.md"])
def test_prints_what_the_page_shows(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    page = ROOT / "docs" / name
    monkeypatch.chdir(furnished(tmp_path))
    found: dict[Shown, str] = {each: play(each) for each in shown(page.read_text(encoding="utf-8"))}
    assert len(found) >= 3
    if request.config.getoption("--update-golden"):
        page.write_text(renewed(page.read_text(encoding="utf-8"), found), encoding="utf-8")
    for each, printed in found.items():
        assert printed.strip() == each.output.strip(), each.command


@pytest.mark.parametrize("name", PAGES)
def test_the_page_names_all_options(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    done = rulec(PAGES[name], "--help")
    options = set(re.findall(r"(?m)^  (--[a-z-]+)", done.out + capsys.readouterr().out)) - {"--family", "--opaque"}
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert {option for option in options if option not in text} == set()
    assert len(options) > 3
