"""What a check is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from rulec.analysis.facts import Facts
from rulec.analysis.host import HostFacts
from rulec.diagnostics import Finding, Severity
from rulec.kernel.generations import CURRENT
from rulec.settings.kinds import Key

GROUPS = ("syntax", "load", "conntrack", "ruleset", "exposure", "notrack", "host", "suppression")
"""The groups that may be selected, in the order in which the checks are listed."""

OF_THE_WHOLE = ("ruleset", "exposure", "notrack")
"""The groups that ask what packets meet, which a piece of a ruleset does not tell."""


class Example(NamedTuple):
    """A ruleset that the check speaks of, and one of which it has nothing to say.

    With a ``name`` both are configuration files of that name, with the file
    ``beside`` them, for a host with that kernel.
    """

    bad: str
    good: str
    name: str = ""
    beside: str = ""
    kernel: str = CURRENT.name

    @property
    def where(self) -> str:
        """Where its words stand, if not in a ruleset."""
        kernel = f" with --kernel {self.kernel}" if self.kernel != CURRENT.name else ""
        return f", in {self.name}{kernel}," if self.name else ""


def nothing(facts: Facts) -> Iterator[Finding]:
    """What a check finds whose findings the reader has made already."""
    return iter(())


def nothing_on_host(host: HostFacts) -> Iterator[Finding]:
    """What a check of rulesets finds in configuration files."""
    return iter(())


class Check(NamedTuple):
    """One check: the docstring of its module says why it is there.

    ``options`` are what a configuration file may say to it.  A fix that is safe
    changes nothing for any packet; where a check ``repairs``, it lets in what the
    rules were meant to let in.
    """

    slug: str
    group: str
    severity: Severity
    summary: str
    why: str
    example: Example
    options: Mapping[str, Key] = MappingProxyType({})
    repairs: bool = False
    find: Callable[[Facts], Iterator[Finding]] = nothing
    find_on_host: Callable[[HostFacts], Iterator[Finding]] = nothing_on_host
