"""The answers of a local server to local clients are untracked, the requests tracked.

Both directions of a flow on the loopback pass OUTPUT.  A rule there for the port of
the server takes its answers on lo as well, while the requests are tracked: each
connection leaves an entry that waits 120 seconds, and where lo is not accepted
wholesale, it fails (measured).  `! -o lo` leaves the loopback alone.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.examples import ANSWERS, KNOWN, SERVER
from rulec.lint.places import labels

_EFFECTS = {
    "works": "each local connection leaves an entry that waits",
    "fails": "INPUT refuses its untracked packets",
}


def find(facts: Facts) -> Iterator[Finding]:
    """Report each of these rules."""
    wrong = {spot.line for spot in facts.told("wrong_directions")}
    for spot in (spot for spot in facts.untracked("untracked, half on loopback") if spot.line not in wrong):
        yield Finding(
            "notrack-loopback-half",
            f"on the loopback this takes one direction only: {_EFFECTS[spot.detail]}",
            labels(facts, spot.line, spot.others, ""),
            Severity.ERROR,
            hint="add ! -o lo here, and ! -i lo to the rule in PREROUTING",
            witness=spot.witness,
        )


CHECK = Check(
    slug="notrack-loopback-half",
    group="notrack",
    severity=Severity.ERROR,
    summary="the answers of a local server to local clients are untracked, the requests tracked",
    why=__doc__,
    find=find,
    example=Example(
        bad=SERVER.replace(KNOWN, "-A INPUT -i lo -j ACCEPT\n" + KNOWN).replace(
            ANSWERS, "-A OUTPUT -p tcp --sport 80 -j CT --notrack\n"
        ),
        good=SERVER.replace(KNOWN, "-A INPUT -i lo -j ACCEPT\n" + KNOWN),
    ),
)
