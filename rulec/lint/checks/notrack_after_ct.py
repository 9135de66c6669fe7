"""All packets of a NOTRACK rule have met a CT rule before, which has the last word.

A packet gets one connection, or none, and the first rule that attaches something
decides: behind `CT --zone` or `CT --helper`, NOTRACK is silently passed over
(measured: the entry is there, in the zone).  The NOTRACK rule belongs in front.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.examples import ANSWERS, REQUESTS, SERVER
from rulec.lint.places import labels


def find(facts: Facts) -> Iterator[Finding]:
    """Report each of these rules."""
    for spot in facts.untracked("untracked, after CT"):
        yield Finding(
            "notrack-after-ct",
            "this rule has no effect: its packets have met a CT rule before, and are tracked",
            labels(facts, spot.line, spot.others, "the first one decides"),
            Severity.ERROR,
            hint="move it in front of the CT rule",
            witness=spot.witness,
        )


CHECK = Check(
    slug="notrack-after-ct",
    group="notrack",
    severity=Severity.ERROR,
    summary="all packets of a NOTRACK rule have met a CT rule before, which has the last word",
    why=__doc__,
    find=find,
    example=Example(
        bad=SERVER.replace(
            REQUESTS, "-A PREROUTING -p tcp -j CT --zone 7\n-A OUTPUT -p tcp -j CT --zone 7\n" + REQUESTS
        ),
        good=SERVER.replace(
            ANSWERS, ANSWERS + "-A PREROUTING -p tcp -j CT --zone 7\n-A OUTPUT -p tcp -j CT --zone 7\n"
        ),
    ),
)
