"""Whole runs as a user sees them.

A case begins with its files, each behind ``=== NAME``.  Then come the commands, each
with what it prints; what goes to the error output stands behind ``2> ``.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from rulec import __version__
from tests.running import rulec

CASES = sorted(path for folder in ("cli", "diff") for path in (Path(__file__).parents[1] / folder).glob("*.txt"))


def files(case: str) -> Iterator[tuple[str, str]]:
    """Name and content of each file of a case."""
    front = re.split(r"(?m)^\$ rulec ", case, maxsplit=1)[0]
    _, *parts = re.split(r"(?m)^=== (.+)\n", front)
    return zip(parts[::2], parts[1::2], strict=True)


def commands(case: str) -> list[str]:
    return re.findall(r"(?m)^\$ rulec (.*)\n", case)


def played(case: str) -> str:
    """The case with what its commands print now."""
    text = "".join(f"=== {name}\n{content}" for name, content in files(case))
    for command in commands(case):
        done = rulec(*shlex.split(command))
        told = re.sub("(?m)^", "2> ", done.err).removesuffix("2> ")
        text += f"$ rulec {command}\n{done.out}{told}(exit code {done.code})\n"
    return text.replace(f'"version": "{__version__}"', '"version": "VERSION"')


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_golden(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    case = path.read_bytes().decode()
    monkeypatch.chdir(tmp_path)
    for name, content in files(case):
        Path(name).write_bytes(content.encode())
    if request.config.getoption("--update-golden"):
        path.write_bytes(played(case).encode())
    else:
        assert played(case) == case


def test_every_case_does_something() -> None:
    assert CASES
    assert all(commands(path.read_text(encoding="utf-8")) for path in CASES)
