"""rulec explain: what a check is about."""

from __future__ import annotations

import argparse

from rulec import api
from rulec.cli.arguments import Streams


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("slug", help="the name of a check, as it stands in brackets in the output of lint")


def run(chosen: argparse.Namespace, streams: Streams) -> int:
    """Print the page of the check."""
    print(api.explain(chosen.slug), file=streams[1])
    return 0
