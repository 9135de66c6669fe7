"""rulec trace: what becomes of a packet, rule by rule."""

from __future__ import annotations

import argparse

from rulec import api
from rulec.cli.arguments import Streams, add_reading
from rulec.cli.inputs import ruleset, text
from rulec.errors import InputError

_EXAMPLE = "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn in eth0 state NEW"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("file", metavar="FILE", help="a ruleset, or - for standard input")
    packets = parser.add_mutually_exclusive_group(required=True)
    packets.add_argument("--packet", metavar="TEXT", help=f'such as "{_EXAMPLE}"')
    packets.add_argument("--from", dest="packets", metavar="FILE", help="packets, one a line, or - for standard input")
    parser.add_argument("--path", choices=("input", "forward", "output"), help="default: as its interfaces tell")
    parser.add_argument("--why", action="store_true", help="say what another verdict would take")
    parser.add_argument("--output-format", choices=("full", "json"), default="full")
    parser.add_argument("--memory", type=int, default=2048, metavar="MB", help="the most to use (default: 2048)")
    add_reading(parser)


def run(chosen: argparse.Namespace, streams: Streams) -> int:
    """Trace all packets: 0 done, 2 unusable input."""
    stdin, stdout, stderr = streams
    if chosen.file == chosen.packets == "-":
        raise InputError("standard input holds the ruleset or the packets, not both")
    read = ruleset(chosen.file, chosen, stdin)
    name, content = text(chosen.packets, stdin) if chosen.packets else ("--packet", chosen.packet)
    packets, wrong = api.read_packets(read, name, content, lines=bool(chosen.packets))
    problems = [finding for finding in read.findings if finding.severity.rank == 2] + wrong
    for line in api.show(problems):
        print(line, file=stderr)
    if problems:
        return 2
    traces = api.trace(read, packets, chosen.path or "", chosen.why, chosen.memory << 20)
    for line in api.render_traces(read, traces, chosen.output_format):
        print(line, file=stdout)
    return 0
