"""rulec fmt: rulesets in the form of iptables-save."""

from __future__ import annotations

import argparse

from rulec import api
from rulec.cli.arguments import Streams, add_reading
from rulec.cli.inputs import ruleset
from rulec.errors import InputError
from rulec.syntax.ruleset import Ruleset


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.description = "write rulesets in the form of iptables-save, in place; comments and blank lines stay"
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="a ruleset; - is standard input, and goes to standard output"
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file would change")
    parser.add_argument("--diff", action="store_true", help="write nothing; show what would change, and exit 1 if so")
    parser.add_argument("-o", "--output", metavar="OUT", help="write there, for one file")
    add_reading(parser)


def run(chosen: argparse.Namespace, streams: Streams) -> int:
    """Format all files; one that is in error is left alone."""
    if chosen.output and len(chosen.files) > 1:
        raise InputError("--output takes one file at a time")
    return max(_one(path, chosen, streams) for path in chosen.files)


def _one(path: str, chosen: argparse.Namespace, streams: Streams) -> int:
    stdin, stdout, stderr = streams
    read = ruleset(path, chosen, stdin)
    if not read.valid:
        return _invalid(read, streams)
    text = api.format_ruleset(read)
    changed = text != read.source.text
    if chosen.diff:
        stdout.writelines(api.difference(read.source.text, text, read.source.name))
    elif chosen.check:
        if changed:
            print(f"{path} would change", file=stdout)
    elif path == "-" and not chosen.output:
        stdout.write(text)
    elif changed or chosen.output:
        api.write(chosen.output or path, text)
        print(f"{chosen.output or path} written", file=stderr)
    return int(changed and (chosen.check or chosen.diff))


def _invalid(read: Ruleset, streams: Streams) -> int:
    for line in api.render([api.lint(read, api.checks(["syntax", "load"]))], "full"):
        print(line, file=streams[2])
    return 1
