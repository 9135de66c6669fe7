"""Which checks are run, and what they find."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rulec.analysis.facts import Facts
from rulec.analysis.host import HostFacts
from rulec.diagnostics import Finding, Suppressed
from rulec.errors import Undecided
from rulec.lint.check import GROUPS, OF_THE_WHOLE, Check
from rulec.lint.checks import CHECKS
from rulec.lint.handling import PLAIN, Handling
from rulec.lint.suppressing import Sieve, is_refusal


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
    """What some checks have found, what could not be found out, a sentence each, and what somebody suppressed."""

    findings: tuple[Finding, ...]
    undecided: tuple[str, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()


def lint(facts: Facts, checks: Iterable[Check], handling: Handling = PLAIN) -> Linted:
    """Run some checks; their findings come in the order of the text."""
    checks = tuple(checks)
    sieve = Sieve(facts.ruleset.source, handling, CHECKS)
    run = (*checks, *_named(sieve, checks))
    slugs = {check.slug for check in run}
    found = [finding for finding in facts.ruleset.findings if finding.slug in slugs]
    undecided: dict[str, list[str]] = {}
    for check in run:
        if not _is_asked(check, facts):
            continue
        try:
            found.extend(check.find(facts))
        except Undecided as error:
            undecided.setdefault(str(error), []).append(check.slug)
    told = {why: [slug for slug in what if slug in _slugs_of(checks)] for why, what in undecided.items()}
    reasons = tuple(f"{why} (not checked: {', '.join(what)})" for why, what in told.items() if what)
    unknown = {slug for what in undecided.values() for slug in what}
    judged = {check.slug for check in CHECKS if check in run and _is_judged(check, facts)} - unknown
    return _sifted(found, sieve, judged, checks)._replace(undecided=reasons)


def _is_asked(check: Check, facts: Facts) -> bool:
    return not (facts.ruleset.is_piece and check.group in OF_THE_WHOLE)


def _is_judged(check: Check, facts: Facts) -> bool:
    """Whether it would have found something, had there been something; most say nothing of a ruleset with errors."""
    return _is_asked(check, facts) and facts.ruleset.valid


def _named(sieve: Sieve, checks: tuple[Check, ...]) -> tuple[Check, ...]:
    """The checks that suppressions name and nobody asks for: run to see which suppressions are of use."""
    slugs = _slugs_of(checks)
    if "unused-suppression" not in slugs:
        return ()
    return tuple(check for check in CHECKS if check.slug in sieve.named - slugs)


def _sifted(found: list[Finding], sieve: Sieve, judged: set[str], checks: Iterable[Check]) -> Linted:
    """What some checks report: what is not suppressed, and what is said of suppressions, in the order of the text."""
    wanted = _slugs_of(checks)
    sifted = sieve.sift(found)
    kept = [finding for finding in sifted.findings if finding.slug in wanted]
    kept += sieve.complaints(judged, wanted)
    kept.sort(key=lambda finding: (finding.place.span, finding.slug))
    suppressed = tuple(each for each in sifted.suppressed if each.finding.slug in wanted)
    return Linted(tuple(_graded(finding, sieve.handling) for finding in kept), suppressed=suppressed)


def _graded(finding: Finding, handling: Handling) -> Finding:
    """A finding with the severity that it is to have; what does not load stays an error."""
    severity = handling.severities.get(finding.slug)
    if severity is None or is_refusal(finding, _GROUPS[finding.slug]):
        return finding
    return finding._replace(severity=severity)


_GROUPS = {check.slug: check.group for check in CHECKS}


def _slugs_of(checks: Iterable[Check]) -> set[str]:
    return {check.slug for check in checks}


Choice = tuple[tuple[Check, ...], Handling]
"""The checks of a file, and how their findings are handled."""


def lint_host(host: HostFacts, choices: Sequence[Choice]) -> tuple[Linted, ...]:
    """Run checks on the configuration files of a host, for each file those chosen; in the order of files and text."""
    sieves = [Sieve(file.source, handling, CHECKS) for file, (_, handling) in zip(host.files, choices, strict=True)]
    run = {check.slug for checks, _ in choices for check in checks}
    run |= {check.slug for sieve, (checks, _) in zip(sieves, choices, strict=True) for check in _named(sieve, checks)}
    found = [finding for check in CHECKS if check.slug in run for finding in check.find_on_host(host)]
    linted = []
    for file, sieve, (checks, _) in zip(host.files, sieves, choices, strict=True):
        own = [finding for finding in found if finding.place.source is file.source]
        linted.append(_sifted(own, sieve, set(_GROUPS), checks))
    return tuple(linted)
