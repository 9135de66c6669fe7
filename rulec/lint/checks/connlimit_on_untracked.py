"""A limit on connections gets packets that are of none.

`connlimit` looks up each connection that it counts in the tracking table.  Those
that are untracked are not found there and forgotten at the next look: the limit
never strikes, save when many come within a few milliseconds (measured: with a
limit of 3, 3 of 8 connections were let in tracked, all 8 untracked).
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.examples import KNOWN, SERVER
from rulec.lint.places import labels


def find(facts: Facts) -> Iterator[Finding]:
    """Report each of these rules."""
    for spot in facts.untracked("untracked, connlimit"):
        yield Finding(
            "connlimit-on-untracked",
            "connections that are left untracked are not counted here",
            labels(facts, spot.line, spot.others, "left untracked here"),
            Severity.ERROR,
            hint="leave such flows tracked, or limit the rate of --syn with hashlimit",
            witness=spot.witness,
        )


CHECK = Check(
    slug="connlimit-on-untracked",
    group="notrack",
    severity=Severity.ERROR,
    summary="a limit on connections gets packets that are of none",
    why=__doc__,
    find=find,
    example=Example(
        bad=SERVER.replace(
            KNOWN, "-A INPUT -p tcp --dport 80 --syn -m connlimit --connlimit-above 20 -j DROP\n" + KNOWN
        ),
        good=SERVER.replace(KNOWN, "-A INPUT -p tcp --dport 80 --syn -m limit --limit 20/min -j LOG\n" + KNOWN),
    ),
)
