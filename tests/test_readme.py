"""The commands that the README shows, with what it says that they print."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.pages import ROOT, Shown, furnished, play, shown
from tests.running import rulec

README = (ROOT / "README.md").read_text(encoding="utf-8")
SHOWN = list(shown(README))


@pytest.mark.parametrize("one", SHOWN, ids=lambda one: one.command)
def test_prints_what_the_readme_shows(one: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(furnished(tmp_path))
    for before in SHOWN[: SHOWN.index(one)]:
        if "-o" in before.command.split():
            play(before)
    assert play(one).strip() == one.output.strip()


def test_the_readme_shows_commands() -> None:
    assert len(SHOWN) >= 3


def test_the_lines_shown_of_a_result_are_in_it() -> None:
    (excerpt,) = re.findall(r"```\n(-A INPUT.*?)```", README, re.DOTALL)
    done = rulec("compile", ROOT / "examples/web-server.rules", "--policy", ROOT / "policies/web.yaml")
    lines = done.out.splitlines()
    assert [line for line in excerpt.splitlines() if line != "..." and line not in lines] == []


FOR_ALL = {"-h", "--family", "--opaque"}
"""What all commands know that read rulesets."""


@pytest.mark.parametrize("command", ["compile", "verify"])
def test_the_readme_names_all_options(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    done = rulec(command, "--help")
    options = set(re.findall(r"(?m)^  (--?[a-z-]+)", done.out + capsys.readouterr().out))
    assert len(options) > len(FOR_ALL) + 2
    assert {option for option in options if not re.search(rf"{option}[` ]", README)} <= FOR_ALL
