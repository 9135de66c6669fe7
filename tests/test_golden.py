"""Whole rulesets: good ones with what iptables-save would print of them, and bad ones with what rulec says.

A case is one file; behind the line that begins with ``---`` stands what is expected.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import rulec
from rulec.api import format_ruleset
from rulec.report.text import concise
from rulec.syntax.ruleset import Ruleset

GOLDEN = Path(__file__).resolve().parent / "golden"
OK = sorted(GOLDEN.joinpath("ok").glob("*.rules"))
ERR = sorted(GOLDEN.joinpath("err").glob("*.rules"))


def canonical(ruleset: Ruleset) -> str:
    """What a good case expects."""
    return rulec.canonical(ruleset)


def findings(ruleset: Ruleset) -> str:
    """What a bad case expects."""
    return "".join(f"{line}\n" for line in concise(ruleset.findings))


def read(text: str, path: Path) -> Ruleset:
    """A ruleset for ip6tables where the name of its case ends in 6."""
    return rulec.parse(text, path.name, family="ipv6" if path.stem.endswith("6") else "ipv4")


def parts(path: Path, title: str) -> tuple[str, str]:
    """The ruleset of a case, and what is expected of it."""
    text, _, expected = path.read_bytes().decode().partition(f"--- {title}\n")
    return text, expected


@pytest.mark.parametrize(
    ("path", "form"),
    [(path, canonical) for path in OK] + [(path, findings) for path in ERR],
    ids=lambda value: value.stem if isinstance(value, Path) else "",
)
def test_golden(path: Path, form: Callable[[Ruleset], str], request: pytest.FixtureRequest) -> None:
    text, expected = parts(path, form.__name__)
    said = form(read(text, path))
    if request.config.getoption("--update-golden", default=False):
        path.write_bytes(f"{text}--- {form.__name__}\n{said}".encode())
    else:
        assert said == expected


@pytest.mark.parametrize("path", OK, ids=lambda path: path.stem)
def test_good_ones_are_good_in_every_form(path: Path) -> None:
    """No error, and what is printed or formatted is the same ruleset."""
    text, expected = parts(path, "canonical")
    ruleset = read(text, path)
    assert ruleset.findings == ()
    for form in (expected, format_ruleset(ruleset)):
        again = read(form, path)
        assert again.findings == ()
        assert rulec.canonical(again) == expected


@pytest.mark.parametrize("path", ERR, ids=lambda path: path.stem)
def test_bad_ones_are_bad(path: Path) -> None:
    text, expected = parts(path, "findings")
    assert expected
    assert not read(text, path).valid
