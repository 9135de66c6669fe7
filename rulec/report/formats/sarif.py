"""SARIF 2.1.0 with errata 01, as GitHub code scanning takes it.

What GitHub reads of it, and how much: docs.github.com, "SARIF support for code
scanning".  Every result has one place, on one line, relative to the root of the
repository; other rules that take part are related locations.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from typing import Any

from rulec.diagnostics import Edit, Finding, Fix, Label, Safety
from rulec.report import json
from rulec.report.formats import sarif_rules
from rulec.report.formats.log import Log, Told, from_root, region, remarks
from rulec.report.text import printable
from rulec.resources import lazy
from rulec.source import Source

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MOST_RESULTS = 25_000
"""GitHub refuses a log with more."""

_MOST_RELATED = 20
_ROOT = "%SRCROOT%"


def lines(log: Log) -> Iterator[str]:
    """The document, with one run."""
    yield json.dumped({"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(log)]})


def _run(log: Log) -> dict[str, Any]:
    results, left_out = _results(log)
    rules = sarif_rules.rules(log.checks, {told.finding.slug for told in results})
    known = {rule["id"]: number for number, rule in enumerate(rules)}
    return {
        "tool": {"driver": sarif_rules.driver(log.version, rules)},
        "automationDetails": {"id": _category(log.configuration)},
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The root of the repository."}}},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(log, left_out)],
        "results": [_result(told, known[told.finding.slug]) for told in results],
    }


def _category(configuration: str) -> str:
    """What tells the logs of several configurations of one repository apart: the folder of each.

    Of two with the same category GitHub keeps the later one.
    """
    folder = posixpath.dirname(from_root(configuration)) if configuration else ""
    return f"rulec/{folder}/" if folder and not folder.startswith("/") else "rulec/"


def _results(log: Log) -> tuple[list[Told], int]:
    """The worst results first, as many as GitHub takes, and how many are left out."""
    told = sorted((each for of_file in log.told for each in of_file), key=_badness)
    return told[:MOST_RESULTS], max(0, len(told) - MOST_RESULTS)


def _badness(told: Told) -> tuple[bool, int]:
    return told.hidden is not None, -told.finding.severity.rank


def _invocation(log: Log, left_out: int) -> dict[str, Any]:
    notes = [("warning", reason) for reason in log.undecided] + [("error", problem) for problem in log.problems]
    if left_out:
        notes.append(("warning", f"{left_out} more results are left out: GitHub takes no more than {MOST_RESULTS}"))
    return {
        "executionSuccessful": not log.problems,
        "toolExecutionNotifications": [{"level": level, "message": {"text": words}} for level, words in notes],
    }


# ── results ──


def _result(told: Told, rule: int) -> dict[str, Any]:
    finding = told.finding
    related = finding.labels[1 : _MOST_RELATED + 1]
    result = {
        "ruleId": finding.slug,
        "ruleIndex": rule,
        "level": finding.severity.value,
        "message": {"text": _message(finding, related)},
        "locations": [{"physicalLocation": _physical(told.path, _region(finding))}],
        "relatedLocations": [_related(number, label) for number, label in enumerate(related, 1)],
        "partialFingerprints": {"primaryLocationLineHash": told.fingerprint},
        "fixes": [] if finding.fix is None else [_fix(finding.fix, told.path, finding.place.source)],
        "suppressions": [] if told.hidden is None else [_suppression(told.hidden.kind, told.hidden.reason)],
        "properties": {"confidence": finding.confidence.value},
    }
    return {key: value for key, value in result.items() if value != []}


def _message(finding: Finding, related: Sequence[Label]) -> str:
    """The message with links to the other places, and what is said below it."""
    words = _literal(finding.message)
    links = ", ".join(f"[{_kind(label)} on line {label.line}]({number})" for number, label in enumerate(related, 1))
    return "\n".join([f"{words} (see {links})" if links else words, *map(_literal, remarks(finding))])


def _kind(label: Label) -> str:
    first = label.source.line(label.line).lstrip()[:1]
    return {"-": "rule", "[": "rule", ":": "chain", "*": "table"}.get(first, "text")


def _literal(words: str) -> str:
    """Words without links in them (SARIF 3.11.6)."""
    return printable(words).replace("](", "\\](")


def _region(finding: Finding) -> dict[str, int]:
    place = region(finding)
    return {
        "startLine": place.line,
        "startColumn": place.column,
        "endLine": place.line,
        "endColumn": place.end_column,
    }


def _related(number: int, label: Label) -> dict[str, Any]:
    words = printable(label.text or label.source.line(label.line).strip())
    spot = {"startLine": label.line, "startColumn": label.column}
    return {"id": number, "message": {"text": words}, "physicalLocation": _physical(from_root(label.source.name), spot)}


def _physical(path: str, spot: dict[str, int]) -> dict[str, Any]:
    return {"artifactLocation": _artifact(path), "region": spot}


def _artifact(path: str) -> dict[str, str]:
    """A file: relative to the root of the repository, absolute where it is outside."""
    uri = lazy("urllib.parse").quote(path.encode("utf-8", "surrogateescape"))
    return {"uri": f"file://{uri}"} if path.startswith("/") else {"uri": uri, "uriBaseId": _ROOT}


def _fix(fix: Fix, path: str, source: Source) -> dict[str, Any]:
    doubt = " (changes what the rules mean: look before you take it)" if fix.safety is Safety.UNSAFE else ""
    replaced = [_replacement(edit, source) for edit in fix.edits]
    change = {"artifactLocation": _artifact(path), "replacements": replaced}
    return {"description": {"text": printable(fix.title) + doubt}, "artifactChanges": [change]}


def _replacement(edit: Edit, source: Source) -> dict[str, Any]:
    (line, column), (end_line, end_column) = (source.position(offset) for offset in edit.span)
    deleted = {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}
    return {"deletedRegion": deleted, "insertedContent": {"text": edit.text}}


def _suppression(kind: str, reason: str) -> dict[str, str]:
    return {"kind": kind, "justification": reason} if reason else {"kind": kind}
