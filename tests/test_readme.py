"""The commands that the README shows, with what it says that they print."""

from __future__ import annotations

import io
import re
import shlex
from pathlib import Path

import pytest

from rulec.cli import main

ROOT = Path(__file__).parents[1]
_BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)


def shown() -> list[tuple[str, str]]:
    """Each command of the README with the output behind it."""
    blocks = _BLOCK.findall((ROOT / "README.md").read_text())
    return [(command, output) for block in blocks for command, _, output in [block[2:].partition("\n")]]


@pytest.mark.parametrize(("command", "output"), shown())
def test_prints_what_the_readme_shows(
    command: str, output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("examples", "policies"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    monkeypatch.chdir(tmp_path)
    program, *arguments = shlex.split(command)
    printed = io.StringIO()
    main(arguments, io.StringIO(), printed, printed)
    assert program == "rulec"
    assert printed.getvalue().strip() == output.strip()


def test_the_readme_shows_commands() -> None:
    assert len(shown()) >= 3


def test_the_lines_shown_of_a_result_are_in_it(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text()
    (excerpt,) = re.findall(r"```\n(-A INPUT.*?)```", readme, re.DOTALL)
    result = io.StringIO()
    policy = str(ROOT / "policies/web.yaml")
    main(["compile", str(ROOT / "examples/web-server.rules"), "--policy", policy], io.StringIO(), result, io.StringIO())
    lines = result.getvalue().splitlines()
    assert [line for line in excerpt.splitlines() if line != "..." and line not in lines] == []
