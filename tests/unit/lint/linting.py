"""Short rulesets, and what one check says of them."""

from __future__ import annotations

from collections.abc import Iterable

from rulec import api
from rulec.diagnostics import Finding, Fix
from rulec.lint.check import Check, Example


def text_of(*lines: str, table: str = "filter") -> str:
    """The text of a ruleset of one table; a line without a dash in front is a rule's words behind ``-A``."""
    return "\n".join([f"*{table}", *(line if line[0] in ":-#" else f"-A {line}" for line in lines), "COMMIT", ""])


def found(slug: str, text: str, open_ports: str | None = None) -> list[Finding]:
    """The findings of a check."""
    ruleset = api.parse(text, "rules", family="ipv6" if "::" in text else "ipv4")
    assert ruleset.valid, ruleset.findings
    return list(api.lint(ruleset, api.checks([slug]), open_ports=open_ports).findings)


def rules_named(finding: Finding) -> list[str]:
    """The lines of a finding, the first its own, as they are written behind ``-A``."""
    return [label.source.line(label.line).removeprefix("-A ") for label in finding.labels]


def said(text: str) -> set[tuple[str, str]]:
    """Slug and line of all that the groups ruleset and exposure find, tables and declarations as they are written."""
    report = api.lint(api.parse(text), api.checks(["ruleset", "exposure"]))
    return {(finding.slug, rules_named(finding)[0]) for finding in report.findings}


def applied(text: str, *fixes: Fix) -> str:
    """The text with the edits of some fixes."""
    edits = sorted({edit for fix in fixes for edit in fix.edits}, reverse=True)
    for edit in edits:
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


def on_host(
    name: str, text: str, *beside: str, kernel: str = "6.x", checks: Iterable[Check] | None = None
) -> list[Finding]:
    """What is found in a configuration file beside rulesets and other files."""
    others = [(api.read_config("other", other), other) for other in beside]
    rulesets = [api.parse(other, "rules", "ipv4") for config, other in others if config is None]
    configs = [api.read_config(name, text), *(config for config, _ in others if config is not None)]
    reports = api.lint_host(configs, rulesets, checks, kernel)
    return [finding for report in reports for finding in report.findings]


def example_found(text: str, example: Example, checks: Iterable[Check] | None = None) -> list[Finding]:
    """What is found in the text of an example."""
    if example.name:
        beside = [example.beside] if example.beside else []
        return on_host(example.name, text, *beside, kernel=example.kernel, checks=checks)
    return list(api.lint(api.parse(text), checks).findings)
