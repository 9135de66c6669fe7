"""What a check is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Severity

GROUPS = ("syntax", "load", "conntrack", "ruleset", "exposure")
"""The groups that may be selected, in the order in which the checks are listed."""


class Example(NamedTuple):
    """A ruleset that the check speaks of, and one of which it has nothing to say."""

    bad: str
    good: str


def nothing(facts: Facts) -> Iterator[Finding]:
    """What a check finds whose findings the reader has made already."""
    return iter(())


class Check(NamedTuple):
    """One check: the docstring of its module says why it is there."""

    slug: str
    group: str
    severity: Severity
    summary: str
    why: str
    example: Example
    find: Callable[[Facts], Iterator[Finding]] = nothing
