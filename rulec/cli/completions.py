"""rulec completions: what a shell needs to complete commands, options, files and names."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from rulec.cli.arguments import Streams, parser_of
from rulec.resources import lazy

_SHELLS = ("bash", "zsh", "fish")
_USE = """\
examples:
  bash: rulec completions bash > ~/.local/share/bash-completion/completions/rulec
  zsh:  rulec completions zsh > "${fpath[1]}/_rulec"
  fish: rulec completions fish > ~/.config/fish/completions/rulec.fish
"""
_FILES = ("FILE", "OLD", "NEW", "OUT", "POLICY", "PATH", "PATH|KEY=VALUE", "JSON")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = f"{_USE}\n{parser.epilog}"
    parser.add_argument("shell", choices=_SHELLS, help="the shell")


def run(chosen: argparse.Namespace, streams: Streams) -> int:
    """Print the script of a shell."""
    parser = parser_of()
    for action in _actions(parser):
        _complete(action)
    print(lazy("shtab").complete(parser, chosen.shell).rstrip("\n"), file=streams[1])
    return 0


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """The arguments of all commands."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from command._actions
        else:
            yield action


def _complete(action: argparse.Action) -> None:
    """Say what an argument may be; the parser reads none here."""
    if action.metavar in _FILES:
        action.complete = lazy("shtab").FILE  # type: ignore[attr-defined]
    elif action.metavar == "DIR":
        action.complete = lazy("shtab").DIRECTORY  # type: ignore[attr-defined]
    elif action.metavar == "CHECK":
        action.choices = lazy("rulec.lint.run").names()
    elif action.dest == "names":
        action.choices = lazy("rulec.report.explain").known()
    elif action.dest == "kernel" and action.metavar == "NAME":
        action.choices = tuple(lazy("rulec.kernel.generations").KERNELS)
