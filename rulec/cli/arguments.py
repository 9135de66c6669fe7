"""The arguments of all commands."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from math import nan
from typing import Any, TextIO

from rulec.resources import lazy

Streams = tuple[TextIO, TextIO, TextIO]

_COMMANDS = {
    "lint": "say what is wrong with rulesets, and why connection tracking is on",
    "fmt": "write rulesets in the form of iptables-save",
    "compile": "rewrite a ruleset so that the hot ports of a policy are not tracked",
    "verify": "prove that a rewritten ruleset keeps what was open, and opens nothing else",
    "trace": "say what becomes of a packet, rule by rule, and why",
    "diff": "say what changes for packets from one ruleset to another",
    "apply": "load rulesets, and go back by itself unless somebody confirms that the host can still be reached",
    "hot": "say what the conntrack table holds, and draft the policy that leaves most of it untracked",
    "watch": "show how full the conntrack table is, how it grows, what fills it, and what is dropped",
    "size": "say how large the conntrack table is by itself, what memory it takes, and how large it should be",
    "modules": "say which modules of connection tracking are loaded and why, and how to be rid of them",
    "explain": "say what a check is about, and what a match or a target means and needs",
    "completions": "print what makes a shell complete the words of a command line",
}
_MOST = (1 << 31) - 1
"""The most that a setting of the kernel may be."""
_EPILOG = "exit codes: 0 done, nothing found; 1 findings, refused or would change; 2 could not do it; 3 undecided"


class _Parser(argparse.ArgumentParser):
    """Help and complaints go to the streams of the call."""

    streams: Streams

    def _print_message(self, message: str, file: Any = None) -> None:
        self.streams[1 if file in (None, sys.stdout) else 2].write(message or "")


def dispatch(argv: Sequence[str], streams: Streams) -> int:
    """Read the arguments and run the command; 2 for wrong arguments."""
    _Parser.streams = streams
    parser = parser_of(argv[:1])
    try:
        chosen, unknown = parser.parse_known_args(list(argv))
        if unknown:
            parser.error(f"unrecognized arguments: {' '.join(unknown)}{_hint(parser, chosen.command, unknown[0])}")
    except SystemExit as end:
        return int(end.code or 0)
    if chosen.command is None:
        parser.print_help()
        return 2
    code: int = lazy(f"rulec.cli.{chosen.command}").run(chosen, streams)
    return code


def _hint(parser: argparse.ArgumentParser, command: str | None, unknown: str) -> str:
    """What may have been meant, and where all arguments are told."""
    actions = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    known = [flag for action in actions if command for flag in action.choices[command]._option_string_actions]
    close = lazy("rulec.diagnostics.suggest").suggestion(unknown.partition("=")[0], known)
    return f"{close}; {f'rulec {command}' if command else 'rulec'} --help lists them"


def parser_of(names: Iterable[str] = tuple(_COMMANDS)) -> argparse.ArgumentParser:
    """The parser, with the arguments of some commands only: those of others would have to be imported."""
    parser = _Parser(prog="rulec", description="Reads, lints and rewrites iptables rulesets.", epilog=_EPILOG)
    parser.add_argument("-V", "--version", action="store_true", help="show the version")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", prog="rulec")
    for name, summary in _COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary, epilog=_EPILOG)
        if name in names:
            lazy(f"rulec.cli.{name}").arguments(command)
    return parser


def add_reading(parser: argparse.ArgumentParser) -> None:
    """The arguments of every command that reads rulesets."""
    families = ("auto", "ipv4", "ipv6")
    parser.add_argument("--family", choices=families, default="auto", help="default: from name and content")
    opaque = "a match or target that is no part of iptables, such as geoip"
    parser.add_argument("--opaque", action="append", default=[], metavar="NAME", help=opaque)


def add_memory(parser: argparse.ArgumentParser) -> None:
    """The argument of every command that asks which packets go where."""
    parser.add_argument(
        "--memory", type=at_least(0), default=2048, metavar="MB", help="the most to use (default: 2048)"
    )


def at_least(least: int, kind: type[int] | type[float] = int) -> Callable[[str], float]:
    """What reads a number of an argument, and refuses those below ``least``, what is none, and what no kernel takes."""

    def read(text: str) -> float:
        try:
            number = kind(text)
        except ValueError:
            number = nan
        if not least <= number <= _MOST:
            raise argparse.ArgumentTypeError(f"this must be a number from {least} to {_MOST}, and not {text}")
        return number

    return read
