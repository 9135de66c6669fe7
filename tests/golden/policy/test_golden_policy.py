"""Whole bad policies.  What is said of each stands at its end, in lines that begin with ``#>``."""

from __future__ import annotations

from pathlib import Path

import pytest

from rulec.policy import read

CASES = sorted(Path(__file__).parent.glob("*.yaml"))


def expected(text: str) -> list[str]:
    return [line.removeprefix("#> ") for line in text.splitlines() if line.startswith("#>")]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_golden(path: Path, request: pytest.FixtureRequest) -> None:
    text = path.read_text(encoding="utf-8")
    said = [f"{found.line}:{found.column} {found.message}" for found in read(text, path.name)[1]]
    if request.config.getoption("--update-golden", default=False):
        policy = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#>"))
        path.write_text(policy + "".join(f"#> {line}\n" for line in said), encoding="utf-8")
    else:
        assert said == expected(text)


def test_every_case_expects_something() -> None:
    assert CASES
    assert all(expected(path.read_text(encoding="utf-8")) for path in CASES)
