"""rulec diff: what changes for packets from one ruleset to another."""

from __future__ import annotations

import argparse
from typing import TextIO

from rulec import api
from rulec.cli.arguments import Streams, add_reading
from rulec.cli.inputs import text
from rulec.cli.outputs import say
from rulec.errors import InputError
from rulec.syntax.ruleset import Ruleset


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="the old ruleset and the new one; - is standard input")
    parser.add_argument("--against", metavar="git:REF[:PATH]", help="compare one file with a version that git has")
    parser.add_argument("--output-format", choices=("full", "json", "markdown"), default="full")
    parser.add_argument("--all", action="store_true", help="show all flows, and not only the largest ones")
    parser.add_argument("--fail-on", choices=("opened", "closed", "any"), default="any", help="exit 1 for these only")
    parser.add_argument("--memory", type=int, default=2048, metavar="MB", help="the most to use (default: 2048)")
    add_reading(parser)


def run(chosen: argparse.Namespace, streams: Streams) -> int:
    """Compare two rulesets: 0 same, 1 different, 2 unusable input."""
    stdin, stdout, stderr = streams
    old, new = (_readable(read, stderr) for read in _both(chosen, stdin))
    problems = [finding for read in (old, new) for finding in read.findings if finding.severity.rank == 2]
    for line in api.show(problems):
        print(line, file=stderr)
    if problems:
        return 2
    found = api.diff(old, new, chosen.memory << 20, chosen.all)
    for line in api.render_diff(found, chosen.output_format):
        print(line, file=stdout)
    return int(not found.is_same if chosen.fail_on == "any" else found.number(chosen.fail_on) > 0)


def _readable(read: Ruleset, stderr: TextIO) -> Ruleset:
    """A dump with blotted-out arguments can be compared all the same."""
    read, lines = api.readable(read)
    if lines:
        refused = f"{len(lines)} rules, the first on line {lines[0]}, hold what iptables-restore refuses"
        say(f"{read.source.name}: {refused}; whether they match is taken as unknown", stderr)
    return read


def _both(chosen: argparse.Namespace, stdin: TextIO) -> tuple[Ruleset, Ruleset]:
    if len(chosen.files) != (1 if chosen.against else 2):
        raise InputError("one file goes with --against, and without it two: the old ruleset and the new one")
    if chosen.files == ["-", "-"]:
        raise InputError("standard input holds one ruleset, not both")
    family = None if chosen.family == "auto" else chosen.family
    texts = [text(path, stdin) for path in chosen.files]
    read = [api.parse_dump(content, name, family, chosen.opaque) for name, content in texts]
    if not chosen.against:
        return read[0], read[1]
    return api.load_version(chosen.against, chosen.files[0], read[0].family.value, chosen.opaque), read[0]
