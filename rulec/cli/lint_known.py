"""What rulec lint leaves out because it is known, and what it writes so that it is: baselines, comments."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, TextIO

from rulec.cli.arguments import Streams
from rulec.cli.outputs import put, say
from rulec.linting.checking import Linter
from rulec.linting.files import File
from rulec.resources import lazy

BASELINE = "rulec-baseline.json"


def news(
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


def write_baselines(files: Sequence[File], found: list[Any], stderr: TextIO) -> int:
    """Write all that is found into the baselines of the files; the exit code."""
    already = lazy("rulec.linting.already")
    found = already.without(found, files, already.by_settings)
    for path in sorted({file.settings.baseline or BASELINE for file in files}):
        mine = [number for number, file in enumerate(files) if (file.settings.baseline or BASELINE) == path]
        number = already.write_baseline(path, [found[one] for one in mine], [files[one] for one in mine])
        say(f"rulec: {path} written: {number} finding{'s' * (number != 1)}", stderr)
    return 0


def add_ignores(files: Sequence[File], found: list[Any], reason: str, streams: Streams) -> int:
    """Write comments into the files that suppress all that is found; the exit code."""
    for file, report in zip(files, found, strict=True):
        text, number = lazy("rulec.linting.ignores").with_ignores(file, report, reason)
        if text != file.source.text or file.path == "-":
            put(text, None if file.path == "-" else file.path, streams[1])
        if report.findings:
            say(f"{file.source.name}: {number} suppressed, {len(report.findings) - number} left", streams[2])
    return 0
