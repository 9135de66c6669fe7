"""The examples of docs/linting.md print what stands there; its tables have all keys, and its text all arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rulec.settings.kinds import Key, Table
from rulec.settings.shape import FILE
from tests.pages import ROOT, Shown, play, renewed, sections, shown
from tests.running import rulec

PAGE = ROOT / "docs" / "linting.md"
SECTIONS = sections(PAGE)
WITH_EXAMPLES = [name for name, text in SECTIONS.items() if "```console" in text]
"""What is shown there is done in the order of the page, in a folder of its own for each section."""


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_prints_what_the_page_shows(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RULEC_CONFIG", raising=False)
    (tmp_path / ".git").mkdir()
    found: dict[Shown, str] = {each: play(each) for each in shown(SECTIONS[name])}
    if request.config.getoption("--update-golden"):
        PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8"), found), encoding="utf-8")
    for each, printed in found.items():
        assert printed.strip() == each.output.strip(), each.command


ELSEWHERE = {
    *("--help", "--output", "--output-format", "--output-file", "--color"),  # docs/output.md
    *(
        "--select",
        "--extend-select",
        "--ignore",
        "--per-file-ignores",
        "--exclude",
        "--force-exclude",
    ),  # as in settings
    *("--respect-gitignore", "--kernel", "--memory", "--opaque", "--family", "--open-ports", "--tracking-report"),
    *("--quiet", "--silent", "--verbose"),  # as -q, -s, -v
}
"""The arguments of which other pages tell, or this one under other names."""


def keys(table: Table, path: str = "") -> Iterator[str]:
    for name, key in table.keys.items():
        yield from of_key(key, f"{path}{name}")


def of_key(key: Key, name: str) -> Iterator[str]:
    if isinstance(key.kind, Table):
        yield from keys(key.kind, f"{name}.")
    elif name != "lint.checks":
        yield name


def test_the_table_of_keys_has_all_of_them() -> None:
    table = SECTIONS["Settings"]
    assert {key for key in keys(FILE) if f"`{key}`" not in table} == set()


def test_all_arguments_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    done = rulec("lint", "--help")
    options = set(re.findall(r"(?m)^  (?:-\w, )?(--[a-z-]+)", done.out + capsys.readouterr().out))
    text = PAGE.read_text(encoding="utf-8")
    assert {option for option in options if option not in text} <= ELSEWHERE
