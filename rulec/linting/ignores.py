"""Comments that suppress what is found, written into the files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rulec.diagnostics import Edit, Finding
from rulec.lint.checks import CHECKS
from rulec.lint.suppressing import is_refusal
from rulec.linting.files import File
from rulec.linting.fixing import apply
from rulec.source import Span

_GROUPS = {check.slug: check.group for check in CHECKS}


def with_ignores(file: File, report: Any, reason: str) -> tuple[str, int]:
    """The text of a file with a comment above each line of which something is said, and how many findings that is."""
    found: dict[int, list[str]] = {}
    for finding in report.findings:
        if _can_be_suppressed(finding, file):
            found.setdefault(finding.line, []).append(finding.slug)
    edits = [_comment(file, line, slugs, reason) for line, slugs in found.items()]
    return apply(file.source.text, edits), sum(map(len, found.values()))


def _can_be_suppressed(finding: Finding, file: File) -> bool:
    group = _GROUPS.get(finding.slug, "suppression")
    if group == "suppression" or is_refusal(finding, group) or finding.slug in file.settings.settled:
        return False
    continued = finding.line > 1 and file.source.line(finding.line - 1).endswith("\\")
    return not continued or file.source.line(finding.line - 1).startswith("#")


def _comment(file: File, line: int, slugs: Sequence[str], reason: str) -> Edit:
    start = file.source.line_starts[line - 1]
    words = f"# rulec: ignore[{', '.join(dict.fromkeys(slugs))}] {reason}".rstrip()
    return Edit(Span(start, start), f"{words}\n")
