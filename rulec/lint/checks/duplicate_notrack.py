"""All packets of a NOTRACK rule are untracked already.

Earlier NOTRACK rules of its chain take them all, and to be left untracked twice is
no more than once.  The rule may be deleted.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.examples import ANSWERS, SERVER
from rulec.lint.places import labels, without_lines


def find(facts: Facts) -> Iterator[Finding]:
    """Report each of these rules."""
    for spot in facts.untracked("untracked, twice"):
        yield Finding(
            "duplicate-notrack",
            "the packets of this rule are untracked already",
            labels(facts, spot.line, spot.others, "left untracked here"),
            Severity.NOTE,
            witness=spot.witness,
            fix=without_lines(facts, [spot.line], "delete the rule"),
        )


CHECK = Check(
    slug="duplicate-notrack",
    group="notrack",
    severity=Severity.NOTE,
    summary="all packets of a NOTRACK rule are untracked already",
    why=__doc__,
    find=find,
    example=Example(
        bad=SERVER.replace(ANSWERS, ANSWERS + "-A OUTPUT ! -o lo -s 192.0.2.1 -p tcp --sport 80 -j CT --notrack\n"),
        good=SERVER,
    ),
)
