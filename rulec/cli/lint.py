"""rulec lint: what is wrong, and why tracking is on."""

from __future__ import annotations

import argparse
from typing import Any

from rulec import api
from rulec.cli import reports as reporting
from rulec.cli import tracking
from rulec.cli.arguments import Streams, add_reading
from rulec.cli.inputs import anything
from rulec.cli.output_arguments import add_outputs, outputs
from rulec.cli.outputs import say
from rulec.syntax.ruleset import Ruleset

_FAIL_ON = {"error": 2, "warning": 1, "note": 0, "never": 3}
_FILE = "a ruleset, or - for standard input; or a file of modprobe.d, modules-load.d, sysctl.d, or iptables-config"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("files", nargs="+", metavar="FILE", help=_FILE)
    parser.add_argument("--select", action="append", default=[], metavar="CHECK", help="only these checks or groups")
    parser.add_argument("--ignore", action="append", default=[], metavar="CHECK", help="all but these checks or groups")
    parser.add_argument("--fail-on", choices=tuple(_FAIL_ON), default="warning", help="exit 1 from this severity on")
    parser.add_argument("--open-ports", metavar="PORTS", help="what open-to-world asks about, such as 22,53/udp")
    parser.add_argument("--memory", type=int, metavar="MB", help="how much the sets of packets may take; default: 2048")
    kernels = "the kernel of the host: 6.x (default), 5.x, both measured; 4.14, el5, el6, el7, el8, el9, all inferred"
    parser.add_argument("--kernel", default="6.x", metavar="NAME", help=kernels)
    report = "say why packets are tracked, which flows are, and what it takes to have fewer tracked, or none"
    parser.add_argument("--tracking-report", action="store_true", help=report)
    add_reading(parser)
    add_outputs(parser)


def run(chosen: argparse.Namespace, streams: Streams) -> int:
    """Lint all files, those that can be read; print what was found."""
    if chosen.tracking_report:
        return tracking.run(chosen, streams)
    stdin, stdout, stderr = streams
    wanted = outputs(chosen)
    checks = api.checks(_names(chosen.select), _names(chosen.ignore))
    files = anything(chosen.files, chosen, stdin, stderr)
    reports = _reports([file for file in files if file is not None], checks, chosen)
    log = api.log(reports, checks, fail_on=_FAIL_ON[chosen.fail_on])
    written = reporting.write(log, wanted, chosen.color, stdout, stderr)
    undecided = [reason for report in reports for reason in report.undecided]
    for reason in undecided:
        say(f"rulec: {reason}", stderr)
    if None in files or not written:
        return 2
    worst = max((finding.severity.rank for report in reports for finding in report.findings), default=-1)
    return 1 if worst >= _FAIL_ON[chosen.fail_on] else 3 if undecided else 0


def _reports(files: list[Any], checks: tuple[Any, ...], chosen: argparse.Namespace) -> list[Any]:
    """One report a file, in the order of the files."""
    rulesets = [file for file in files if isinstance(file, Ruleset)]
    configs = [file for file in files if not isinstance(file, Ruleset)]
    on_host = iter(api.lint_host(configs, rulesets, checks, chosen.kernel) if configs else ())
    asked = {"memory": chosen.memory, "open_ports": chosen.open_ports, "kernel": chosen.kernel, "configs": configs}
    return [api.lint(file, checks, **asked) if isinstance(file, Ruleset) else next(on_host) for file in files]


def _names(lists: list[str]) -> list[str]:
    return [name.strip() for part in lists for name in part.split(",") if name.strip()]
