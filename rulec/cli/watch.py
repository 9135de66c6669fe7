"""rulec watch: how full the conntrack table is from moment to moment, how it grows, and what is dropped."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, TextIO

from rulec import advice, api
from rulec.cli.arguments import Streams
from rulec.errors import InputError

_INTERVAL = "seconds from one reading to the next (default: 2)"
_ONCE = "end after one interval, in which rates are taken; with --interval 0 at once, without rates"
_TEXTFILE = "write metrics for Prometheus there, such as /var/lib/node_exporter/rulec.prom, each time anew"
_OWN = "with --textfile, rulec_conntrack_* in place of node_nf_conntrack_*: for hosts whose node_exporter has these"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("--interval", type=float, default=2, metavar="S", help=_INTERVAL)
    parser.add_argument("--once", action="store_true", help=_ONCE)
    parser.add_argument(
        "--top", type=int, default=10, metavar="N", help="how many services (default: 10); 0 reads none"
    )
    parser.add_argument("--output-format", choices=("full", "json"), default="full")
    parser.add_argument("--json", action="store_const", dest="output_format", const="json", help="one object a line")
    parser.add_argument("--textfile", metavar="PATH", help=_TEXTFILE)
    parser.add_argument("--own-names", action="store_true", help=_OWN)


def run(chosen: argparse.Namespace, streams: Streams) -> int:
    """Watch until the end, or Ctrl-C: 0 done, 2 where there is nothing to watch."""
    if not 0 <= chosen.interval <= 86400 or (chosen.interval < 0.1 and not chosen.once):
        raise InputError("--interval: say seconds from 0.1 to 86400; 0 only with --once")
    if chosen.top < 0:
        raise InputError("--top: say how many services, or 0")
    views = advice.watch(chosen.interval, chosen.top, chosen.once)
    with suppress(KeyboardInterrupt):
        _show(_written(views, chosen), chosen, streams[1])
    return 0


def _written(views: Iterator[Any], chosen: argparse.Namespace) -> Iterator[Any]:
    """The same, each in the file of metrics before it is shown."""
    for view in views:
        if chosen.textfile:
            api.write(chosen.textfile, advice.render_metrics(view, chosen.top, chosen.own_names))
        yield view


def _show(views: Iterator[Any], chosen: argparse.Namespace, stdout: TextIO) -> None:
    if chosen.output_format == "full" and not chosen.once and stdout.isatty():
        advice.show_watch(views, chosen.top, stdout)
        return
    for view in views:
        print(advice.render_watch(view, chosen.top, chosen.output_format), file=stdout, flush=True)
