"""rulec lint: what is wrong, and why tracking is on."""

from __future__ import annotations

import argparse

from rulec import api
from rulec.cli.arguments import Streams, add_reading
from rulec.cli.inputs import ruleset
from rulec.cli.outputs import complain, say
from rulec.errors import InputError

_FAIL_ON = {"error": 2, "warning": 1, "note": 0, "never": 3}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="a ruleset, or - for standard input")
    parser.add_argument("--select", action="append", default=[], metavar="CHECK", help="only these checks or groups")
    parser.add_argument("--ignore", action="append", default=[], metavar="CHECK", help="all but these checks or groups")
    parser.add_argument("--output-format", choices=("full", "concise", "json"), default="full")
    parser.add_argument("--fail-on", choices=tuple(_FAIL_ON), default="warning", help="exit 1 from this severity on")
    parser.add_argument("--open-ports", metavar="PORTS", help="what open-to-world asks about, such as 22,53/udp")
    parser.add_argument("--memory", type=int, metavar="MB", help="how much the sets of packets may take; default: 2048")
    add_reading(parser)


def run(chosen: argparse.Namespace, streams: Streams) -> int:
    """Lint all files, those that can be read; print what was found."""
    stdin, stdout, stderr = streams
    checks = api.checks(_names(chosen.select), _names(chosen.ignore))
    asked = {"memory": chosen.memory, "open_ports": chosen.open_ports}
    reports, unread = [], False
    for path in chosen.files:
        try:
            reports.append(api.lint(ruleset(path, chosen, stdin), checks, **asked))
        except InputError as error:
            unread = True
            complain(error, stderr)
    for line in api.render(reports, chosen.output_format):
        print(line, file=stdout)
    undecided = [reason for report in reports for reason in report.undecided]
    for reason in undecided:
        say(f"rulec: {reason}", stderr)
    if unread:
        return 2
    worst = max((finding.severity.rank for report in reports for finding in report.findings), default=-1)
    return 1 if worst >= _FAIL_ON[chosen.fail_on] else 3 if undecided else 0


def _names(lists: list[str]) -> list[str]:
    return [name.strip() for part in lists for name in part.split(",") if name.strip()]
