"""rulec trace: what becomes of a packet, rule by rule."""

from __future__ import annotations

import argparse

from rulec import api
from rulec.cli.arguments import Streams, add_memory, add_reading
from rulec.cli.live import add_live
from rulec.cli.trace_inputs import asked

_EXAMPLE = "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn in eth0 state NEW"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("file", nargs="?", metavar="FILE", help="a ruleset, or - for standard input")
    packets = parser.add_mutually_exclusive_group(required=True)
    packets.add_argument("--packet", metavar="TEXT", help=f'such as "{_EXAMPLE}"')
    packets.add_argument("--from", dest="packets", metavar="FILE", help="packets, one a line, or - for standard input")
    parser.add_argument("--path", choices=("input", "forward", "output"), help="default: as its interfaces tell")
    parser.add_argument("--why", action="store_true", help="say what another verdict would take")
    parser.add_argument("--output-format", choices=("full", "json"), default="full")
    add_memory(parser)
    add_live(parser)
    add_reading(parser)


def run(chosen: argparse.Namespace, streams: Streams) -> int:
    """Trace all packets: 0 done, 2 unusable input."""
    _, stdout, stderr = streams
    found = asked(chosen, streams)
    for line in api.show(found.problems):
        print(line, file=stderr)
    if found.problems:
        return 2
    for number, read in enumerate(found.rulesets):
        if len(found.rulesets) > 1:
            print("\n" * bool(number) + read.source.name, file=stdout)
        traces = api.trace(read, found.packets, chosen.path or "", chosen.why, chosen.memory << 20)
        for line in api.render_traces(read, traces, chosen.output_format):
            print(line, file=stdout)
    return 0
