"""A rule asks for UNTRACKED and for parts of a connection, which are passed over.

An untracked packet is of no connection, so that the match stops at its state:
`--ctstate NEW,UNTRACKED --ctorigdstport 80` accepts every untracked packet, of any
port and source (xt_conntrack.c, conntrack_mt; measured).  What is to hold for
untracked packets must be said of the packet: `--dport 80`, `-s`, `-d`.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.examples import ACCEPTED, SERVER
from rulec.lint.places import labels


def find(facts: Facts) -> Iterator[Finding]:
    """Report each of these rules."""
    for spot in facts.untracked("untracked, more options"):
        yield Finding(
            "untracked-with-tuple-options",
            f"of untracked packets {spot.detail} is not asked: all of them match",
            labels(facts, spot.line, spot.others, "left untracked here"),
            Severity.ERROR,
            hint="ask for untracked packets in a rule of its own, by -s, -d, --sport, --dport",
            witness=spot.witness,
        )


CHECK = Check(
    slug="untracked-with-tuple-options",
    group="notrack",
    severity=Severity.ERROR,
    summary="a rule asks for UNTRACKED and for parts of a connection, which are passed over",
    why=__doc__,
    find=find,
    example=Example(
        bad=SERVER.replace(ACCEPTED, "-A INPUT -m conntrack --ctstate NEW,UNTRACKED --ctorigdstport 80 -j ACCEPT\n"),
        good=SERVER,
    ),
)
