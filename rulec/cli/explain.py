"""rulec explain: what a check is about, what a match or a target means and needs."""

from __future__ import annotations

import argparse

from rulec import api
from rulec.cli.arguments import Streams

_NAME = (
    "a check, as it stands in brackets in the output of lint, a group of checks, a match, or a target; default: list"
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("names", nargs="*", metavar="NAME", help=_NAME)


def run(chosen: argparse.Namespace, streams: Streams) -> int:
    """Print the pages of all names, or all names there are."""
    pages = [api.explain(name) for name in chosen.names] or [api.explainable()]
    print("\n\n\n".join(pages), file=streams[1])
    return 0
