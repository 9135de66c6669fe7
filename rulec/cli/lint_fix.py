"""The fixes of rulec lint: taken, written or shown."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from rulec import api
from rulec.cli.arguments import Streams
from rulec.cli.lint_inputs import Inputs
from rulec.cli.outputs import put, say, tried
from rulec.linting.checking import Linter
from rulec.linting.fixing import fixed


def fix(inputs: Inputs, linter: Linter, chosen: argparse.Namespace, streams: Streams) -> tuple[Inputs, list[Any], int]:
    """The files with their fixes, what is found in them, and how many were taken; complaints are among the problems."""
    done = fixed(inputs.files, linter, chosen.unsafe_fixes or None)
    _write(inputs, done, chosen, streams)
    return inputs._replace(files=done.files), done.reports, done.number


def _write(inputs: Inputs, done: Any, chosen: argparse.Namespace, streams: Streams) -> None:
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
