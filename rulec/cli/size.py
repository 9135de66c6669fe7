"""rulec size: how large the conntrack table is, takes, and should be."""

from __future__ import annotations

import argparse

from rulec import advice
from rulec.cli.arguments import Streams, at_least
from rulec.cli.outputs import put_below
from rulec.errors import InputError

_KERNEL = "6.x, 5.x, 4.14, el5 to el9, or a release such as 5.10.0-28-amd64; default: that of this machine"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("--ram", metavar="SIZE", help="memory, such as 512M or 64G; default: that of this machine")
    parser.add_argument("--kernel", metavar="NAME", help=_KERNEL)
    parser.add_argument("--arch", type=int, choices=(32, 64), default=64, help="bits of the machine (default: 64)")
    needs = parser.add_mutually_exclusive_group()
    needs.add_argument("--entries", type=at_least(1), metavar="N", help="how many there are at a time")
    needs.add_argument(
        "--from", dest="table", metavar="FILE", help="a table taken when it was busy, as rulec hot reads"
    )
    needs.add_argument("--entries-per-second", type=at_least(0, float), metavar="R", help="new flows a second")
    parser.add_argument(
        "--mean-lifetime", type=at_least(0, float), metavar="S", help="seconds that an entry lives, timeout included"
    )
    idle = "how long an established TCP connection is to be kept without a packet; default: as it is"
    parser.add_argument("--established-timeout", type=at_least(1), metavar="S", help=idle)
    parser.add_argument("--output-dir", metavar="DIR", help="write the files there, as under /etc")
    parser.add_argument("--output-format", choices=("full", "json"), default="full")


def run(chosen: argparse.Namespace, streams: Streams) -> int:
    """Say it, and write the files where asked: 0 done, 2 unusable input."""
    stdin, stdout, stderr = streams
    if (chosen.entries_per_second is None) != (chosen.mean_lifetime is None):
        raise InputError(
            "--entries-per-second and --mean-lifetime belong together: a table needs rate x lifetime entries"
        )
    dump = advice.conntrack_dump(chosen.table, stdin, stderr) if chosen.table else None
    rate = (chosen.entries_per_second, chosen.mean_lifetime) if chosen.mean_lifetime is not None else None
    idle = chosen.established_timeout
    found = advice.size(chosen.ram, chosen.kernel, chosen.arch, chosen.entries, rate, dump, idle)
    for line in advice.render_size(found, chosen.output_format):
        print(line, file=stdout)
    for name, text in found.files if chosen.output_dir else ():
        put_below(chosen.output_dir, name, text, stderr)
    return 0
