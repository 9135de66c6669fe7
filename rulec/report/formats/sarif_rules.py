"""The checks as SARIF describes them, from their own pages."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from typing import Any

from rulec.diagnostics import Severity
from rulec.lint.check import Check
from rulec.report import page
from rulec.resources import docs_url

LIKELY = frozenset(
    "idle-module managed-chains notrack-wrong-direction open-to-world"
    " policy-accept-without-catch-all setting-too-early source-port-hole".split()
)
"""The checks that look for patterns; what the others say is proved."""

_LONGEST = 1024  # GitHub shows no more of a full description
_PROBLEMS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "recommendation"}
_DANGERS = {Severity.ERROR: "8.0", Severity.WARNING: "6.5", Severity.NOTE: "4.0"}
"""How bad what is exposed would be, as CVSS counts: high, medium, medium."""


def driver(version: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
    """The tool, with its rules."""
    known = {"name": "rulec", "version": version, "semanticVersion": version, "rules": rules}
    return {**known, "informationUri": docs_url()} if docs_url() else known


def rules(checks: Iterable[Check], slugs: Iterable[str]) -> list[dict[str, Any]]:
    """All checks that were run, and a name for anything else that has spoken."""
    found = [_rule(check) for check in checks]
    others = sorted(set(slugs) - {rule["id"] for rule in found})
    return [*found, *({"id": slug} for slug in others)]


def _rule(check: Check) -> dict[str, Any]:
    why = inspect.cleandoc(check.why)
    rule = {
        "id": check.slug,
        "name": "".join(word.capitalize() for word in check.slug.split("-")),
        "shortDescription": {"text": check.summary},
        "fullDescription": {"text": _cut(" ".join(re.sub("`", "", why).split()))},
        "help": {"text": page.page(check), "markdown": page.markdown(check)},
        "defaultConfiguration": {"level": check.severity.value},
        "properties": _properties(check),
    }
    return {**rule, "helpUri": docs_url("checks.md", check.slug)} if docs_url() else rule


def _properties(check: Check) -> dict[str, Any]:
    known = {
        "tags": ["security", "firewall", check.group],
        "precision": "medium" if check.slug in LIKELY else "very-high",
        "problem.severity": _PROBLEMS[check.severity],
    }
    return {**known, "security-severity": _DANGERS[check.severity]} if check.group == "exposure" else known


def _cut(words: str) -> str:
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1].rsplit(' ', 1)[0]}…"
