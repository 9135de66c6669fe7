"""rulec compile: hot ports without connection tracking."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from rulec import api
from rulec.cli.arguments import Streams, add_reading
from rulec.cli.inputs import ruleset
from rulec.cli.outputs import put, say
from rulec.errors import Refused


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("file", metavar="FILE", help="a ruleset as iptables-save writes it, or - for standard input")
    parser.add_argument("--policy", required=True, metavar="POLICY", help="the policy file that names the hot ports")
    parser.add_argument("-o", "--output", metavar="OUT", help="write the result there instead of to standard output")
    parser.add_argument("--diff", action="store_true", help="show what changes instead of the result")
    add_reading(parser)


def run(chosen: argparse.Namespace, streams: Streams) -> int:
    """Compile one ruleset: 0 done, 1 refused, 2 unusable input; reasons go to standard error."""
    stdin, stdout, stderr = streams
    read = ruleset(chosen.file, chosen, stdin)
    policy, problems = api.read_policy(chosen.policy)
    problems += [finding for finding in read.findings if finding.severity.rank == 2]
    if problems or policy is None:
        _print(problems, streams)
        return 2
    try:
        compiled = api.compile_ruleset(read, policy)
    except Refused as refused:
        _print(refused.findings, streams)
        return 1
    for note in compiled.notes:
        say(f"{read.source.name}: {note}", stderr)
    if chosen.diff:
        put("".join(api.difference(read.source.text, compiled.text, read.source.name)), None, stdout)
    else:
        put(compiled.text, chosen.output, stdout)
    return 0


def _print(findings: Iterable[Any], streams: Streams) -> None:
    for line in api.show(findings):
        print(line, file=streams[2])
