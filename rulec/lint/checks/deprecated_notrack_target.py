"""-j NOTRACK is the old way to say -j CT --notrack.

The target NOTRACK is kept for old rulesets.  Both are the same target of the kernel
(xt_CT.c), and CT is the one that goes on to zones and helpers.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.examples import REQUESTS, SERVER
from rulec.lint.places import labels
from rulec.lint.words import replaced


def find(facts: Facts) -> Iterator[Finding]:
    """Report each of these rules."""
    for spot in facts.told("old_targets") if facts.leaves_untracked else ():
        yield Finding(
            "deprecated-notrack-target",
            "-j NOTRACK is the old way to say -j CT --notrack",
            labels(facts, spot.line, spot.others, ""),
            Severity.NOTE,
            fix=replaced(facts, spot.line, r"(-j|--jump)\s+NOTRACK(?=\s|$)", "-j CT --notrack", "say -j CT --notrack"),
        )


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
