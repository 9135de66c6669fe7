"""rulec lint --tracking-report: why connection tracking is on, for which flows, and the ways out."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from rulec import api
from rulec.cli import live
from rulec.cli.arguments import Streams
from rulec.cli.inputs import anything
from rulec.cli.outputs import put, say
from rulec.errors import InputError
from rulec.syntax.ruleset import Ruleset

_FORMS = ("full", "concise", "json")


def run(chosen: argparse.Namespace, streams: Streams) -> int:
    """Report on all rulesets: 0 done, 2 unusable input, 3 where flows stay undecided."""
    stdin, _, stderr = streams
    if chosen.select or chosen.ignore:
        raise InputError("--select and --ignore choose checks, and a tracking report runs none")
    if (chosen.output_format or "full") not in _FORMS or chosen.output:
        raise InputError("a tracking report is full, concise or json, and goes to standard output or to -o FILE")
    files = [*(live.rulesets(chosen, stderr) if chosen.live else ()), *anything(chosen.files, chosen, stdin, stderr)]
    rulesets = [file for file in files if isinstance(file, Ruleset)]
    problems = [finding for file in rulesets for finding in file.findings if finding.severity.rank == 2]
    for line in api.show(problems):
        print(line, file=stderr)
    if problems or None in files:
        return 2
    if not rulesets:
        raise InputError("a tracking report is about a ruleset; name one, and the configuration files beside it")
    configs = [file for file in files if not isinstance(file, Ruleset)]
    return _report(api.tracking_reports(rulesets, configs, chosen.kernel, chosen.memory), chosen, streams)


def _report(reports: Sequence[Any], chosen: argparse.Namespace, streams: Streams) -> int:
    _, stdout, stderr = streams
    lines = api.render_tracking(reports, chosen.output_format or "full")
    put("".join(f"{line}\n" for line in lines), chosen.output_file, stdout)
    undecided = [report.undecided for report in reports if report.is_undecided]
    for reason in undecided:
        say(f"rulec: {reason}", stderr)
    return 3 if undecided else 0
