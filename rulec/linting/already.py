"""Findings that are known already: by a baseline, by the settings, or from a version that git has."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from rulec import api
from rulec.diagnostics import Suppressed
from rulec.errors import InputError, NoVersion
from rulec.lint.fingerprints import fingerprints
from rulec.linting.checking import Linter
from rulec.linting.files import File, checks_of, read
from rulec.resources import lazy

VERSION = 1
Reason = Callable[[File, str], str | None]
"""Why a finding of a file, by its fingerprint, is not to be reported; None where it is."""


def without(reports: Sequence[Any], files: Sequence[File], reason: Reason) -> list[Any]:
    """The reports with known findings among the suppressed ones."""
    return [_without(report, file, reason) for report, file in zip(reports, files, strict=True)]


def _without(report: Any, file: File, reason: Reason) -> Any:
    kept, known = [], list(report.suppressed)
    for finding, fingerprint in _fingerprinted(report, file)[: len(report.findings)]:
        why = reason(file, fingerprint)
        if why is None:
            kept.append(finding)
        else:
            known.append(Suppressed(finding, "external", why))
    return report._replace(findings=tuple(kept), suppressed=tuple(known))


def _fingerprinted(report: Any, file: File) -> list[tuple[Any, str]]:
    """The findings with their fingerprints, behind them those that are suppressed."""
    findings = [*report.findings, *(each.finding for each in report.suppressed)]
    return list(zip(findings, fingerprints(findings, file.content), strict=True))


# ── by the settings ──


def by_settings(file: File, fingerprint: str) -> str | None:
    """What the settings say of a single finding."""
    return file.settings.known.get(fingerprint)


# ── by a baseline ──


def write_baseline(path: str, reports: Sequence[Any], files: Sequence[File]) -> int:
    """Write all findings into a baseline; tells how many."""
    entries = list(_entries(path, reports, files))
    document = {"schema_version": VERSION, "tool": "rulec", "findings": entries}
    api.write(path, lazy("json").dumps(document, indent=1, ensure_ascii=True) + "\n")
    return len(entries)


def _entries(path: str, reports: Sequence[Any], files: Sequence[File]) -> Iterator[dict[str, str]]:
    for report, file in sorted(zip(reports, files, strict=True), key=lambda both: _name(path, both[1])):
        for finding, fingerprint in _fingerprinted(report, file)[: len(report.findings)]:
            place = {"file": _name(path, file), "slug": finding.slug, "fingerprint": fingerprint}
            yield {**place, "message": finding.message}


def _name(baseline: str, file: File) -> str:
    """The path of a file as seen from the baseline."""
    name = file.source.name if file.path == "-" else file.path
    return os.path.relpath(name, os.path.dirname(os.path.abspath(baseline))).replace(os.sep, "/")


class Baselines:
    """What the baselines of some files know, and how much of it was found; InputError where one is none."""

    def __init__(self, files: Iterable[File]) -> None:
        self.files = tuple(file for file in files if file.settings.baseline)
        self.known = {path: _known(path) for path in sorted({file.settings.baseline for file in self.files})}
        self.met: dict[str, set[tuple[str, str]]] = {path: set() for path in self.known}

    def __call__(self, file: File, fingerprint: str) -> str | None:
        """Why a finding is not to be reported."""
        path = file.settings.baseline
        entry = (_name(path, file), fingerprint)
        if not path or entry not in self.known[path]:
            return None
        self.met[path].add(entry)
        return "baseline"

    def gone(self) -> Iterator[str]:
        """For each baseline how much of what it knows of these files is found no more."""
        for path, known in self.known.items():
            files = [file for file in self.files if file.settings.baseline == path]
            asked = {(_name(path, file), check.slug) for file in files for check in checks_of(file)}
            number = sum((name, known[name, found]) in asked for name, found in known.keys() - self.met[path])
            if number:
                what = "finding is" if number == 1 else "findings are"
                yield f"{path}: {number} {what} not found any more; --write-baseline writes it anew"


def _known(path: str) -> dict[tuple[str, str], str]:
    """File and fingerprint of each finding, and its check."""
    try:
        document = lazy("json").loads(api.read_text(path))
        if document["schema_version"] != VERSION:
            raise InputError(f"{path}: this baseline is of another version of rulec; --write-baseline makes it anew")
        return {(entry["file"], entry["fingerprint"]): entry["slug"] for entry in document["findings"]}
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path}: this is no baseline; --write-baseline writes one") from None


# ── by a version in git ──


def by_version(reference: str, files: Sequence[File], linter: Linter) -> Reason:
    """What was found in the version of the files that git has."""
    if any(file.path == "-" for file in files):
        raise InputError("--against: standard input has no version in git")
    reference = reference.removeprefix("git:")
    old = list(_versions(reference, files))
    known: dict[str, Counter[str]] = {}
    for report, file in zip(linter.reports(old), old, strict=True):
        known[file.path] = Counter(fingerprint for _, fingerprint in _fingerprinted(report, file))
    return lambda file, fingerprint: f"in {reference}" if fingerprint in known.get(file.path, ()) else None


def _versions(reference: str, files: Iterable[File]) -> Iterator[File]:
    """The files that the version holds."""
    for file in files:
        with suppress(NoVersion):
            source = lazy("rulec.query.diff_against").version(f"git:{reference}", file.path)
            yield read(file.path, file.source.name, source.text, file.settings, file.host)
