"""What changes between two small rulesets, as users see it; a case is played like those of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden.cli.test_golden_cli import commands, files, played

CASES = sorted(Path(__file__).parent.glob("*.txt"))


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
