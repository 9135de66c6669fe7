"""rulec hot: what the conntrack table holds, and the policy that would untrack most of it."""

from __future__ import annotations

import argparse

from rulec import advice, api
from rulec.cli.arguments import Streams, add_reading, at_least
from rulec.cli.inputs import ruleset
from rulec.cli.outputs import put, say
from rulec.errors import InputError

_FILE = "what /proc/net/nf_conntrack or conntrack -L printed, in any of its formats, or - for standard input"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("file", nargs="?", metavar="FILE", help=f"{_FILE}; default: the table of this machine")
    own = "an address or prefix of the host; default: those of this machine, if they are in the table"
    parser.add_argument("--address", action="append", default=[], metavar="ADDRESS", help=own)
    parser.add_argument("--by", choices=("peer", "src", "dst"), default="peer", help="which hosts to rank")
    parser.add_argument(
        "--top", type=at_least(0), default=10, metavar="N", help="how many services and hosts (default: 10)"
    )
    rules = "a ruleset of the host: say which services it lets be untracked, and why not"
    parser.add_argument("--rules", action="append", default=[], metavar="FILE", help=rules)
    parser.add_argument("--policy-out", metavar="FILE", help="write the policy for rulec compile there")
    parser.add_argument(
        "--least", type=at_least(0, float), default=1, metavar="PERCENT", help="of the table, to be in it; default 1"
    )
    parser.add_argument("--kernel", metavar="NAME", help="the kernel of the host; default: that of this machine")
    parser.add_argument("--output-format", choices=("full", "json"), default="full")
    add_reading(parser)


def run(chosen: argparse.Namespace, streams: Streams) -> int:
    """Read, rank and draft: 0 done, 1 some lines could not be read, 2 unusable input."""
    stdin, stdout, stderr = streams
    if chosen.file == "-" and "-" in chosen.rules:
        raise InputError("standard input holds the table or the rules, not both")
    rulesets = [ruleset(path, chosen, stdin) for path in chosen.rules]
    problems = [finding for each in rulesets for finding in each.findings if finding.severity.rank == 2]
    for line in api.show(problems):
        print(line, file=stderr)
    if problems:
        return 2
    dump, least = advice.conntrack_dump(chosen.file, stdin, stderr), chosen.least / 100
    asked = chosen.address, chosen.by, chosen.kernel, rulesets, least
    found = advice.hot(dump, chosen.file is None, *asked)
    for line in advice.render_hot(found, chosen.top, chosen.output_format) if chosen.policy_out != "-" else ():
        print(line, file=stdout)
    for line in advice.render_unread(found):
        say(line, stderr)
    if chosen.policy_out:
        put(found.policy(), chosen.policy_out, stdout)
    return int(bool(found.missed.count))
