"""Colours: who is heard first, and where there are none whatever is asked."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rulec.cli.colours import coloured
from rulec.report.formats import FORMATS
from tests.running import rulec

ROOT = Path(__file__).resolve().parent.parent.parent.parent
RULES = "*filter\n-A INPUT -p tcp --dport 99999 -j ACCEPT\nCOMMIT\n"
ESCAPE = "\x1b["


class Terminal(io.StringIO):
    """A stream that a person sees."""

    def isatty(self) -> bool:
        return True


TERMINAL, PIPE = Terminal(), io.StringIO()


@pytest.mark.parametrize(
    ("wanted", "stream", "environment", "expected"),
    [
        ("auto", TERMINAL, "", True),
        ("auto", PIPE, "", False),
        ("auto", TERMINAL, "TERM=dumb", False),
        ("auto", TERMINAL, "TERM=xterm-256color", True),
        ("auto", TERMINAL, "NO_COLOR=1", False),
        ("auto", TERMINAL, "NO_COLOR=0", False),  # any value but an empty one
        ("auto", TERMINAL, "NO_COLOR=", True),
        ("auto", PIPE, "FORCE_COLOR=1", True),
        ("auto", PIPE, "CLICOLOR_FORCE=1", True),
        ("auto", PIPE, "CLICOLOR_FORCE=0", False),
        ("auto", PIPE, "FORCE_COLOR=0", False),
        ("auto", PIPE, "FORCE_COLOR=", False),
        ("auto", PIPE, "NO_COLOR=1 FORCE_COLOR=1", False),
        ("auto", PIPE, "TERM=dumb FORCE_COLOR=1", True),
        ("always", PIPE, "NO_COLOR=1", True),
        ("always", TERMINAL, "TERM=dumb", True),
        ("never", TERMINAL, "FORCE_COLOR=1", False),
    ],
)
def test_who_is_heard(wanted: str, stream: io.StringIO, environment: str, expected: bool) -> None:
    told = dict(word.split("=", 1) for word in environment.split())
    assert coloured(wanted, stream, "full", told) is expected


def test_the_log_of_github_counts_as_a_terminal_for_people_only(tmp_path: Path) -> None:
    told = {"GITHUB_ACTIONS": "true", "TERM": "dumb"}
    reading, writing = os.pipe()
    with os.fdopen(reading), os.fdopen(writing, "w") as pipe, open(tmp_path / "summary", "w") as file:
        assert coloured("auto", pipe, "full", told)
        assert not coloured("auto", pipe, "concise", told)  # problem matchers and reviewdog read it
        assert not coloured("auto", pipe, "full", {**told, "NO_COLOR": "1"})
        assert not coloured("auto", file, "full", told)


@pytest.mark.parametrize("form", FORMATS)
def test_only_text_has_colours(form: str) -> None:
    done = rulec("lint", "--color", "always", "--output-format", form, "-", stdin=RULES)
    assert (ESCAPE in done.out) is (form in ("full", "concise"))
    assert done.code == 1


def test_files_have_none(tmp_path: Path) -> None:
    rulec("lint", "--color", "always", "-o", tmp_path / "out", "-", stdin=RULES)
    assert ESCAPE not in tmp_path.joinpath("out").read_text()


def test_without_its_colours_the_text_is_the_same() -> None:
    plain, painted = (rulec("lint", "--color", color, "-", stdin=RULES).out for color in ("never", "always"))
    assert plain != painted
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == plain
    assert plain == rulec("lint", "-", stdin=RULES).out


def test_names_and_rules_bring_no_colours_of_their_own() -> None:
    done = rulec("lint", "--color", "always", "-", stdin="*filter\n-A INPUT -j \x1b[31mX\nCOMMIT\n")
    assert "\x1b[31mX" not in done.out


def on_a_terminal(**variables: str) -> bytes:
    """What the program writes to a real terminal."""
    mine, its = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    command = [sys.executable, "-m", "rulec", "lint", "--select", "syntax", "-"]
    done = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=its, cwd=ROOT, env={**environment, "TERM": "xterm", **variables}
    )
    os.close(its)
    done.communicate(RULES.encode())
    with os.fdopen(mine, "rb", 0) as terminal:
        return terminal.read(1 << 16)


def test_on_a_real_terminal() -> None:
    assert ESCAPE.encode() in on_a_terminal()
    assert ESCAPE.encode() not in on_a_terminal(NO_COLOR="1")
    assert ESCAPE.encode() not in on_a_terminal(TERM="dumb")
