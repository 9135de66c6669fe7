"""A run of rulec lint: fix, lint, leave out what is known, print, and decide on the exit code."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import Any, TextIO

from rulec import api
from rulec.cli import reports as reporting
from rulec.cli.arguments import Streams
from rulec.cli.lint_arguments import FAIL_ON
from rulec.cli.lint_inputs import Inputs
from rulec.cli.lint_known import add_ignores, news, write_baselines
from rulec.cli.output_arguments import Output
from rulec.cli.outputs import put, say
from rulec.linting.checking import Linter
from rulec.linting.files import File, checks_of
from rulec.resources import lazy

_TEXTS = ("full", "concise")


def lint(inputs: Inputs, chosen: argparse.Namespace, wanted: list[Output], streams: Streams) -> int:
    """Do all that was asked for; give the exit code."""
    linter, fixes = Linter(not chosen.no_ignores, chosen.jobs or _processors()), 0
    if chosen.fix or chosen.fix_only or chosen.diff:
        inputs, found, fixes = lazy("rulec.cli.lint_fix").fix(inputs, linter, chosen, streams)
    else:
        found = linter.reports(inputs.files)
    if chosen.diff or chosen.fix_only:
        code = int(bool(fixes) and (chosen.diff or chosen.exit_non_zero_on_fix) and not chosen.exit_zero)
    elif chosen.write_baseline:
        code = write_baselines(inputs.files, found, streams[2])
    else:
        code = _tell(inputs, news(inputs.files, found, linter, chosen, streams[2]), chosen, wanted, streams, fixes)
    return 2 if inputs.problems else code


def _processors() -> int:
    """How many this program may use; one where nobody says."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def _tell(
    inputs: Inputs,
    found: list[Any],
    chosen: argparse.Namespace,
    wanted: list[Output],
    streams: Streams,
    fixes: int,
) -> int:
    """Print what is found, or write it into the files as comments that suppress it."""
    files, (_, stdout, stderr) = inputs.files, streams
    if chosen.add_ignore is not None:
        return add_ignores(files, found, chosen.add_ignore, streams)
    if (fixes or chosen.fix) and any(file.path == "-" for file in files):
        stdout = stderr
    written = _print(files, found, inputs.problems, chosen, wanted, stdout, stderr)
    return _code(files, found, chosen, fixes) if written else 2


def _print(
    files: Sequence[File],
    found: list[Any],
    problems: list[str],
    chosen: argparse.Namespace,
    wanted: list[Output],
    stdout: TextIO,
    stderr: TextIO,
) -> bool:
    """Write all that is to be read; tells whether it could be written."""
    run = {check.slug: check for file in files for check in checks_of(file)}
    quiet = chosen.quiet or chosen.silent
    log = api.log(found, run.values(), problems, fail_on=[FAIL_ON[file.settings.fail_on] for file in files])
    log.quiet, log.configuration = quiet, _configuration(files)
    if chosen.silent:
        wanted = [output for output in wanted if output.path != "-"]
    elif chosen.statistics:
        wanted = [output for output in wanted if output.path != "-" or output.form not in _TEXTS]
        put("".join(f"{line}\n" for line in lazy("rulec.report.statistics").lines(log)), None, stdout)
    written = reporting.write(log, wanted, chosen.color, stdout, stderr) if wanted else True
    for reason in log.undecided if not chosen.silent else ():
        say(f"rulec: {reason}", stderr)
    return written


def _configuration(files: Sequence[File]) -> str:
    """The configuration file of all, or none where they have several."""
    named = {file.settings.files[-1] if file.settings.files else "" for file in files}
    return named.pop() if len(named) == 1 else ""


def _code(files: Sequence[File], found: list[Any], chosen: argparse.Namespace, fixes: int) -> int:
    both = list(zip(files, found, strict=True))
    failed = any(_fails(file, report) for file, report in both) or (fixes and chosen.exit_non_zero_on_fix)
    ways = {file.settings.undecided for file, report in both if report.undecided}
    if chosen.exit_zero:
        return 0
    return 1 if failed or "fail" in ways else 3 if "report" in ways else 0


def _fails(file: File, report: Any) -> bool:
    worst = max((finding.severity.rank for finding in report.findings), default=-1)
    return worst >= FAIL_ON[file.settings.fail_on]
