"""A rule accepts whatever is untracked.

UNTRACKED stands in a rule that says nothing else of the flow, as in
`--ctstate ESTABLISHED,RELATED,UNTRACKED`.  It then lets in all packets that the
raw table leaves untracked, whatever the rules behind it ask for: from everywhere,
and, where answers are untracked, from everybody who sends from their port.  In
IPv6 it does so without any NOTRACK rule: router advertisements and what else
finds neighbours are never tracked.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.examples import ACCEPTED, SERVER
from rulec.lint.places import labels


def find(facts: Facts) -> Iterator[Finding]:
    """Report each of these rules."""
    for spot in facts.untracked("untracked, wholesale", always=True):
        yield Finding(
            "untracked-accepted-wholesale",
            "this rule accepts whatever is untracked, also what would be refused if it were tracked",
            labels(facts, spot.line, spot.others, "left untracked here"),
            Severity.ERROR,
            hint="say UNTRACKED in the rules that name the flows, and not here",
            witness=spot.witness,
        )


CHECK = Check(
    slug="untracked-accepted-wholesale",
    group="notrack",
    severity=Severity.ERROR,
    summary="a rule accepts whatever is untracked",
    why=__doc__,
    find=find,
    example=Example(
        bad=(
            "*filter\n"
            ":INPUT DROP [0:0]\n"
            "-A INPUT -p icmp --icmp-type fragmentation-needed -j ACCEPT\n"
            "-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED,UNTRACKED -j ACCEPT\n"
            "-A INPUT -s 192.0.2.0/24 -p tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT\n"
            "COMMIT\n"
            "*raw\n"
            "-A PREROUTING ! -i lo -p tcp --dport 80 -m addrtype --dst-type LOCAL -j CT --notrack\n"
            "-A OUTPUT ! -o lo -p tcp --sport 80 -j CT --notrack\n"
            "COMMIT\n"
        ),
        good=SERVER.replace(
            ACCEPTED, "-A INPUT -s 192.0.2.0/24 -p tcp --dport 80 -m conntrack --ctstate NEW,UNTRACKED -j ACCEPT\n"
        ),
    ),
)
