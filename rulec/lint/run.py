"""Which checks are run, and what they find."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from rulec.analysis.facts import Facts
from rulec.analysis.host import HostFacts
from rulec.diagnostics import Finding
from rulec.errors import Undecided
from rulec.lint.check import GROUPS, Check
from rulec.lint.checks import CHECKS


class UnknownName(ValueError):
    """A name that is neither a check nor a group."""


def chosen(select: Iterable[str] = (), ignore: Iterable[str] = ()) -> tuple[Check, ...]:
    """The checks that slugs and groups select (all without any), less those ignored; raises UnknownName."""
    wanted, unwanted = _slugs(select), _slugs(ignore)
    return tuple(check for check in CHECKS if (not wanted or check.slug in wanted) and check.slug not in unwanted)


def _slugs(names: Iterable[str]) -> set[str]:
    found = set()
    for name in names:
        slugs = {check.slug for check in CHECKS if name in (check.slug, check.group)}
        if not slugs:
            raise UnknownName(name)
        found |= slugs
    return found


def names() -> tuple[str, ...]:
    """All that may be selected: groups and slugs."""
    return (*GROUPS, *(check.slug for check in CHECKS))


class Linted(NamedTuple):
    """What some checks have found, and what could not be found out, a sentence each."""

    findings: tuple[Finding, ...]
    undecided: tuple[str, ...]


def lint(facts: Facts, checks: Iterable[Check]) -> Linted:
    """Run some checks; their findings come in the order of the text."""
    checks = tuple(checks)
    slugs = {check.slug for check in checks}
    found = [finding for finding in facts.ruleset.findings if finding.slug in slugs]
    undecided: dict[str, list[str]] = {}
    for check in checks:
        try:
            found.extend(check.find(facts))
        except Undecided as error:
            undecided.setdefault(str(error), []).append(check.slug)
    found.sort(key=lambda finding: (finding.place.span, finding.slug))
    return Linted(tuple(found), tuple(f"{why} (not checked: {', '.join(what)})" for why, what in undecided.items()))


def lint_host(host: HostFacts, checks: Iterable[Check]) -> tuple[Finding, ...]:
    """Run some checks on configuration files; their findings come in the order of files and text."""
    order = {id(file.source): number for number, file in enumerate(host.files)}
    found = [finding for check in checks for finding in check.find_on_host(host)]
    found.sort(key=lambda finding: (order[id(finding.place.source)], finding.place.span, finding.slug))
    return tuple(found)
