"""A rule asks for the state of a connection before anything is tracked.

The table raw comes before connection tracking: every packet is INVALID there, also
good ones, save what a NOTRACK rule has just left untracked, and what comes over the
loopback.  A rule that drops INVALID drops everything; one that asks for another
state never matches (measured).
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.places import labels


def find(facts: Facts) -> Iterator[Finding]:
    """Report each of these rules."""
    for spot in facts.told("states_in_raw") if "raw" in facts.ruleset.tables else ():
        yield Finding(
            "state-in-raw",
            "nothing is tracked yet in raw, where every packet is INVALID",
            labels(facts, spot.line, spot.others, ""),
            Severity.ERROR,
            hint="ask in mangle or filter",
        )


CHECK = Check(
    slug="state-in-raw",
    group="notrack",
    severity=Severity.ERROR,
    summary="a rule asks for the state of a connection before anything is tracked",
    why=__doc__,
    find=find,
    example=Example(
        bad=("*raw\n-A PREROUTING -m conntrack --ctstate INVALID -j DROP\nCOMMIT\n"),
        good=("*mangle\n-A PREROUTING -m conntrack --ctstate INVALID -j DROP\nCOMMIT\n"),
    ),
)
