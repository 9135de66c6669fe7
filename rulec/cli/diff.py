"""rulec diff: what changes for packets from one ruleset to another."""

from __future__ import annotations

import argparse
from typing import TextIO

from rulec import api
from rulec.cli.arguments import Streams, add_memory, add_reading
from rulec.cli.diff_inputs import pairs
from rulec.cli.live import add_live
from rulec.cli.outputs import say
from rulec.cli.settled import add_settings
from rulec.resources import VERSION, lazy
from rulec.syntax.ruleset import Ruleset

_FILES = "the old ruleset and the new one; with --live the new one; with --against any, or those of rulec.toml"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("files", nargs="*", metavar="FILE", help=_FILES)
    parser.add_argument("--against", metavar="git:REF[:PATH]", help="compare with the version that git has")
    parser.add_argument("--output-format", choices=("full", "json", "markdown"), default="full")
    parser.add_argument("--all", action="store_true", help="show all flows, and not only the largest ones")
    parser.add_argument("--fail-on", choices=("opened", "closed", "any"), default="any", help="exit 1 for these only")
    add_memory(parser)
    add_live(parser)
    add_reading(parser)
    add_settings(parser, excluding=True)


def run(chosen: argparse.Namespace, streams: Streams) -> int:
    """Compare rulesets: 0 same, 1 different, 2 unusable input."""
    stdin, stdout, stderr = streams
    differs, unusable, shown = False, False, []
    for pair in pairs(chosen, stdin, stderr):
        old, new = (_readable(read, stderr) for read in pair)
        if _problems([old, new], stderr):
            unusable = True
            continue
        found = api.diff(old, new, chosen.memory << 20, chosen.all)
        shown.append((new.source.name, list(api.render_diff(found, chosen.output_format))))
        differs |= not found.is_same if chosen.fail_on == "any" else found.number(chosen.fail_on) > 0
    several = lazy("rulec.report.diff_several").together
    for line in several(shown, chosen.output_format, VERSION) if shown or not unusable else ():
        print(line, file=stdout)
    return 2 if unusable else int(differs)


def _problems(pair: list[Ruleset], stderr: TextIO) -> bool:
    problems = [finding for read in pair for finding in read.findings if finding.severity.rank == 2]
    for line in api.show(problems):
        print(line, file=stderr)
    return bool(problems)


def _readable(read: Ruleset, stderr: TextIO) -> Ruleset:
    """A dump with blotted-out arguments can be compared all the same."""
    read, lines = api.readable(read)
    if lines:
        refused = f"{len(lines)} rules, the first on line {lines[0]}, hold what iptables-restore refuses"
        say(f"{read.source.name}: {refused}; whether they match is taken as unknown", stderr)
    return read
