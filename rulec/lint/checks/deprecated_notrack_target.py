"""-j NOTRACK is the old way to say -j CT --notrack.

The target NOTRACK is kept for old rulesets.  Both are the same target of the kernel
(xt_CT.c), and CT is the one that goes on to zones and helpers.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Fix, Severity
from rulec.lint.check import Check, Example
from rulec.lint.examples import REQUESTS, SERVER
from rulec.lint.places import labels
from rulec.lint.words import in_all, replaced, together


def find(facts: Facts) -> Iterator[Finding]:
    """Report the first of these rules, and how many there are."""
    spots = sorted(facts.told("old_targets")) if facts.leaves_untracked else []
    if spots:
        yield Finding(
            "deprecated-notrack-target",
            "-j NOTRACK is the old way to say -j CT --notrack" + in_all(len(spots)),
            labels(facts, spots[0].line, (), ""),
            Severity.NOTE,
            fix=together("say -j CT --notrack", (_said_anew(facts, spot.line) for spot in spots)),
        )


def _said_anew(facts: Facts, line: int) -> Fix | None:
    return replaced(facts, line, r"(-j|--jump)\s+NOTRACK(?=\s|$)", "-j CT --notrack", "say -j CT --notrack")


CHECK = Check(
    slug="deprecated-notrack-target",
    group="notrack",
    severity=Severity.NOTE,
    summary="-j NOTRACK is the old way to say -j CT --notrack",
    why=__doc__,
    find=find,
    example=Example(
        bad=SERVER.replace(
            REQUESTS, "-A PREROUTING ! -i lo -p tcp --dport 80 -m addrtype --dst-type LOCAL -j NOTRACK\n"
        ),
        good=SERVER,
    ),
)
