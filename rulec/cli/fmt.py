"""rulec fmt: rulesets in the form of iptables-save."""

from __future__ import annotations

import argparse
from typing import TextIO

from rulec import api
from rulec.cli.arguments import Streams, add_reading
from rulec.cli.inputs import ruleset
from rulec.cli.outputs import complain, put, say
from rulec.cli.settled import add_settings, included
from rulec.errors import InputError, RulecError
from rulec.syntax.ruleset import Ruleset


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.description = "write rulesets in the form of iptables-save, in place; comments and blank lines stay"
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="a ruleset; - is standard input, and goes to standard output"
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file would change")
    parser.add_argument("--diff", action="store_true", help="write nothing; show what would change, and exit 1 if so")
    parser.add_argument("-o", "--output", metavar="OUT", help="write there instead, for one file")
    add_reading(parser)
    add_settings(parser, excluding=True)


def run(chosen: argparse.Namespace, streams: Streams) -> int:
    """Format all files; one that is in error or cannot be read is left alone."""
    if chosen.output and len(chosen.files) > 1:
        raise InputError("--output takes one file at a time")
    return max((_each(path, chosen, streams) for path in included(chosen.files, chosen, streams[2])), default=0)


def _each(path: str, chosen: argparse.Namespace, streams: Streams) -> int:
    try:
        return _one(path, chosen, streams)
    except RulecError as error:
        complain(error, streams[2])
        return 2


def _one(path: str, chosen: argparse.Namespace, streams: Streams) -> int:
    stdin, stdout, stderr = streams
    read = ruleset(path, chosen, stdin)
    if not read.valid:
        return _invalid(read, stderr)
    text = api.format_ruleset(read)
    changed, output = text != read.source.text, chosen.output or path
    if chosen.diff:
        put("".join(api.difference(read.source.text, text, read.source.name)), None, stdout)
    elif chosen.check:
        if changed:
            say(f"{read.source.name} would change", stdout)
    elif changed or output != path or output == "-":
        put(text, output, stdout)
        if output != "-":
            say(f"{output} written", stderr)
    return int(changed and (chosen.check or chosen.diff))


def _invalid(read: Ruleset, stderr: TextIO) -> int:
    for line in api.render([api.lint(read, api.checks(["syntax", "load"]))], "full"):
        print(line, file=stderr)
    say(f"{read.source.name} is not formatted: iptables-restore would not load it", stderr)
    return 1
