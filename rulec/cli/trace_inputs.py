"""What rulec trace is given: packets, and the rulesets that they meet."""

from __future__ import annotations

import argparse
from typing import Any, NamedTuple

from rulec import api
from rulec.cli import live
from rulec.cli.arguments import Streams
from rulec.cli.inputs import ruleset, text
from rulec.errors import InputError
from rulec.syntax.ruleset import Ruleset


class Asked(NamedTuple):
    """Rulesets that all of the packets meet, the packets, and what is wrong with either."""

    rulesets: list[Ruleset]
    packets: list[Any]
    problems: list[Any]


def asked(chosen: argparse.Namespace, streams: Streams) -> Asked:
    """A file, or with ``--live`` what runs of the family of the packets; InputError for arguments that do not fit."""
    stdin, _, stderr = streams
    if live.asked(chosen) == (chosen.file is not None):
        raise InputError("name a ruleset, or say --live for the one that runs")
    if chosen.file == chosen.packets == "-":
        raise InputError("standard input holds the ruleset or the packets, not both")
    read = live.rulesets(chosen, stderr) if chosen.live else [ruleset(chosen.file, chosen, stdin)]
    named = text(chosen.packets, stdin) if chosen.packets else ("--packet", chosen.packet)
    found = _of_family(read, named, lines=bool(chosen.packets))
    if len(found.rulesets) > 1 and chosen.output_format == "json":
        raise InputError("json is about one ruleset: say which of them with --backend")
    return found


def _of_family(read: list[Ruleset], named: tuple[str, str], lines: bool) -> Asked:
    """The rulesets of the family whose packets these are: the first where nothing tells."""
    tried = []
    for family in dict.fromkeys(each.family for each in read):
        mine = [each for each in read if each.family is family]
        packets, wrong = api.read_packets(mine[0], *named, lines=lines)
        tried.append(Asked(mine, packets, wrong))
    found = next((one for one in tried if not one.problems), tried[0])
    errors = [finding for each in found.rulesets for finding in each.findings if finding.severity.rank == 2]
    return found._replace(problems=errors + found.problems)
