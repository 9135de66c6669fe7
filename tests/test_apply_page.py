"""The page about rulec apply: its commands print what stands there, and it names all options."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rulec.host.apply import session
from tests.pages import ROOT, furnished, play, renewed, shown
from tests.running import rulec

PAGE = ROOT / "docs/apply.md"


def test_prints_what_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """From an SSH connection that the example lets in from some addresses only."""
    monkeypatch.setenv("SSH_CONNECTION", "203.0.113.9 50000 192.0.2.10 22")
    monkeypatch.setattr(session, "_sockets", lambda proc: iter(()))
    monkeypatch.setattr(session, "_link", lambda found: "eth0")
    monkeypatch.setattr(session, "is_loaded", lambda: False)
    monkeypatch.chdir(furnished(tmp_path))
    text = PAGE.read_text(encoding="utf-8")
    found = {each: play(each) for each in shown(text)}
    assert len(found) == 2
    if request.config.getoption("--update-golden"):
        PAGE.write_text(renewed(text, found), encoding="utf-8")
    for each, printed in found.items():
        assert printed.strip() == each.output.strip(), each.command


def test_names_all_options() -> None:
    options = set(re.findall(r"(?m)^  (--[a-z-]+)", rulec("apply", "--help").out)) - {"--family", "--opaque"}
    assert len(options) > 7
    assert {option for option in options if option not in PAGE.read_text(encoding="utf-8")} == set()
