"""Completions, asked of the real shells."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from rulec.catalogue.names import MATCHES
from rulec.cli.arguments import parser_of
from rulec.lint.checks import CHECKS
from tests.running import rulec

COMMANDS = {"lint", "fmt", "compile", "verify", "trace", "diff", "explain", "completions"}
SHELLS = ("bash", "zsh", "fish")
RULES = "net.rules"


@pytest.fixture(name="here", autouse=True)
def current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for shell in SHELLS:
        tmp_path.joinpath(f"_{shell}").write_text(rulec("completions", shell).out)
    tmp_path.joinpath(RULES).write_text("")
    tmp_path.joinpath("netfolder").mkdir()
    return tmp_path


def bash(*words: str) -> list[str]:
    """What bash offers for the last word of a command line."""
    line = f"COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}; _shtab_rulec"
    script = f"source ./_bash; {line}; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    return _lines(["bash", "--norc", "-c", script])


def fish(*words: str) -> list[str]:
    """What fish offers, without the descriptions behind it."""
    line = shlex.quote(" ".join(words))
    return [line.split("\t")[0] for line in _lines(["fish", "-N", "-c", f"source ./_fish; complete -C {line}"])]


def _lines(command: list[str]) -> list[str]:
    if shutil.which(command[0]) is None:
        pytest.skip(f"no {command[0]} here")
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert "syntax error" not in done.stderr
    return done.stdout.split("\n")[:-1]


@pytest.mark.parametrize("ask", [bash, fish])
class TestShell:
    def test_commands(self, ask: object) -> None:
        assert callable(ask)
        assert set(ask("rulec", "")) >= COMMANDS
        assert ask("rulec", "exp") == ["explain"]

    def test_options(self, ask: object) -> None:
        assert callable(ask)
        assert {"--select", "--severity"} & set(ask("rulec", "lint", "--se")) >= {"--select"}
        assert set(ask("rulec", "compile", "--po")) == {"--policy"}

    def test_choices(self, ask: object) -> None:
        assert callable(ask)
        assert {"sarif", "github"} <= set(ask("rulec", "lint", "--output-format", ""))
        assert ask("rulec", "lint", "--fail-on", "w") == ["warning"]
        assert "5.x" in ask("rulec", "lint", "--kernel", "")

    def test_checks(self, ask: object) -> None:
        assert callable(ask)
        assert ask("rulec", "lint", "--select", "unreach") == ["unreachable-rule"]
        assert ask("rulec", "lint", "--ignore", "conntr")[0] == "conntrack"

    def test_names_to_explain(self, ask: object) -> None:
        assert callable(ask)
        offered = set(ask("rulec", "explain", ""))
        assert offered >= {*MATCHES, *(check.slug for check in CHECKS)}
        assert ask("rulec", "explain", "MASQ") == ["MASQUERADE"]

    def test_files(self, ask: object) -> None:
        assert callable(ask)
        assert RULES in ask("rulec", "lint", "net")
        assert RULES in ask("rulec", "compile", RULES, "--policy", "ne")


@pytest.mark.parametrize("command", [["bash", "-n", "_bash"], ["zsh", "-n", "_zsh"], ["fish", "-n", "_fish"]])
def test_the_shell_reads_its_script(command: list[str]) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"no {command[0]} here")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("shell", SHELLS)
def test_every_option_of_every_command_is_offered(shell: str) -> None:
    script = rulec("completions", shell).out
    commands = parser_of()._subparsers
    assert commands is not None
    (group,) = commands._group_actions
    assert group.choices
    for name, command in dict(group.choices).items():
        for action in command._actions:
            for option in action.option_strings:
                shown = option.lstrip("-") if shell == "fish" else option
                assert shown in script, (name, option)


def test_how_to_use_it_is_in_the_help() -> None:
    shown = rulec("completions", "--help").out
    assert all(f"rulec completions {shell} > " in shown for shell in SHELLS)
    assert "exit codes:" in shown


def test_no_shell_and_unknown_shell() -> None:
    assert rulec("completions").code == 2
    assert rulec("completions", "csh").code == 2
