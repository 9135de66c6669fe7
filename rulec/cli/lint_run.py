"""A run of rulec lint: fix, lint, leave out what is known, print, and decide on the exit code."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from rulec import api
from rulec.cli import reports as reporting
from rulec.cli.arguments import Streams
from rulec.cli.lint_arguments import FAIL_ON
from rulec.cli.lint_inputs import Inputs
from rulec.cli.output_arguments import Output
from rulec.cli.outputs import put, say, tried
from rulec.linting.checking import Linter
from rulec.linting.files import File, checks_of
from rulec.resources import lazy

BASELINE = "rulec-baseline.json"
_TEXTS = ("full", "concise")


def lint(inputs: Inputs, chosen: argparse.Namespace, wanted: list[Output], streams: Streams) -> int:
    """Do all that was asked for; give the exit code."""
    linter, fixes = Linter(not chosen.no_ignores, chosen.jobs or _processors()), 0
    files = inputs.files
    if chosen.fix or chosen.fix_only or chosen.diff:
        done = lazy("rulec.linting.fixing").fixed(files, linter, chosen.unsafe_fixes or None)
        _write_fixes(inputs, done, chosen, streams)
        if chosen.diff or chosen.fix_only:
            return _code_of_fixes(done.number, chosen, inputs.problems)
        files, found, fixes = done.files, done.reports, done.number
    else:
        found = linter.reports(files)
    if chosen.write_baseline:
        return _write_baselines(files, found, streams) or (2 if inputs.problems else 0)
    found = _news(files, found, linter, chosen, streams[2])
    if chosen.add_ignore is not None:
        return _add_ignores(files, found, chosen.add_ignore, streams) or (2 if inputs.problems else 0)
    to_stderr = bool(fixes or chosen.fix) and any(file.path == "-" for file in files)
    written = _print(files, found, inputs.problems, chosen, wanted, (*streams[:1], streams[1 + to_stderr], streams[2]))
    if inputs.problems or not written:
        return 2
    return _code(files, found, chosen, fixes)


def _processors() -> int:
    """How many this program may use; one where nobody says."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


# ── fixes ──


def _write_fixes(inputs: Inputs, done: Any, chosen: argparse.Namespace, streams: Streams) -> None:
    old, problems = inputs.files, inputs.problems
    _, stdout, stderr = streams
    for before, after, taken in zip(old, done.files, done.taken, strict=True):
        changed, name = before.source.text != after.source.text, before.source.name
        if chosen.diff:
            put("".join(api.difference(before.source.text, after.source.text, name)), None, stdout)
        elif before.path == "-":
            put(after.source.text, None, stdout)
        elif changed and (problem := tried(after.source.text, before.path, stdout, stderr)):
            problems.append(problem)
            continue
        if changed and not chosen.silent:
            would = "would be " if chosen.diff else ""
            say(f"{name}: {len(taken)} {would}fixed: {_counted(one.slug for one in taken)}", stderr)
    for reason in done.declined if not chosen.silent else ():
        say(f"rulec: {reason}", stderr)


def _counted(slugs: Iterable[str]) -> str:
    """Names, each with how often it comes where that is more than once."""
    counts: dict[str, int] = {}
    for slug in slugs:
        counts[slug] = counts.get(slug, 0) + 1
    return ", ".join(f"{slug} ({number})" if number > 1 else slug for slug, number in sorted(counts.items()))


def _code_of_fixes(number: int, chosen: argparse.Namespace, problems: list[str]) -> int:
    if problems:
        return 2
    return int(bool(number) and (chosen.diff or chosen.exit_non_zero_on_fix) and not chosen.exit_zero)


# ── what is known ──


def _news(
    files: Sequence[File], found: list[Any], linter: Linter, chosen: argparse.Namespace, stderr: TextIO
) -> list[Any]:
    """The reports without what is known already."""
    known = any(file.settings.known or file.settings.baseline for file in files)
    if chosen.no_ignores or not (known or chosen.against):
        return found
    already = lazy("rulec.linting.already")
    found = already.without(found, files, already.by_settings)
    baselines = already.Baselines(files)
    found = already.without(found, files, baselines)
    told = not (chosen.quiet or chosen.silent or any(report.undecided for report in found))
    for gone in baselines.gone() if told else ():
        say(f"rulec: {gone}", stderr)
    if chosen.against:
        found = already.without(found, files, already.by_version(chosen.against, files, linter))
    return found


def _write_baselines(files: Sequence[File], found: list[Any], streams: Streams) -> int:
    already = lazy("rulec.linting.already")
    found = already.without(found, files, already.by_settings)
    for path in sorted({file.settings.baseline or BASELINE for file in files}):
        mine = [number for number, file in enumerate(files) if (file.settings.baseline or BASELINE) == path]
        number = already.write_baseline(path, [found[one] for one in mine], [files[one] for one in mine])
        say(f"rulec: {path} written: {number} finding{'s' * (number != 1)}", streams[2])
    return 0


def _add_ignores(files: Sequence[File], found: list[Any], reason: str, streams: Streams) -> int:
    for file, report in zip(files, found, strict=True):
        text, number = lazy("rulec.linting.ignores").with_ignores(file, report, reason)
        if text != file.source.text or file.path == "-":
            put(text, None if file.path == "-" else file.path, streams[1])
        if report.findings:
            say(f"{file.source.name}: {number} suppressed, {len(report.findings) - number} left", streams[2])
    return 0


# ── the end ──


def _print(
    files: Sequence[File],
    found: list[Any],
    problems: list[str],
    chosen: argparse.Namespace,
    wanted: list[Output],
    streams: Streams,
) -> bool:
    """Write all that is to be read; tells whether it could be written."""
    _, stdout, stderr = streams
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
