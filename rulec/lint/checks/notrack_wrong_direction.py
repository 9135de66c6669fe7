"""NOTRACK in OUTPUT asks for packets from an address that is a peer's.

In OUTPUT the source is this host, and the peer is the destination.  A rule with
the same `-s` as in PREROUTING takes nothing there: only one direction is
untracked.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Confidence, Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.places import labels


def find(facts: Facts) -> Iterator[Finding]:
    """Report each of these rules."""
    for spot in facts.told("wrong_directions") if facts.leaves_untracked else ():
        yield Finding(
            "notrack-wrong-direction",
            "in OUTPUT this address is a destination: packets from it arrive in PREROUTING",
            labels(facts, spot.line, spot.others, "it is a source here"),
            Severity.ERROR,
            Confidence.LIKELY,
            hint="say -d in place of -s",
        )


CHECK = Check(
    slug="notrack-wrong-direction",
    group="notrack",
    severity=Severity.ERROR,
    summary="NOTRACK in OUTPUT asks for packets from an address that is a peer's",
    why=__doc__,
    find=find,
    example=Example(
        bad=(
            "*filter\n"
            ":INPUT DROP [0:0]\n"
            "-A INPUT -p icmp --icmp-type fragmentation-needed -j ACCEPT\n"
            "-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n"
            "-A INPUT -p tcp --dport 80 -m conntrack --ctstate NEW,UNTRACKED -j ACCEPT\n"
            "COMMIT\n"
            "*raw\n"
            "-A PREROUTING -s 192.0.2.7 -p tcp --dport 80 -j CT --notrack\n"
            "-A OUTPUT -s 192.0.2.7 -p tcp --sport 80 -j CT --notrack\n"
            "COMMIT\n"
        ),
        good=(
            "*filter\n"
            ":INPUT DROP [0:0]\n"
            "-A INPUT -p icmp --icmp-type fragmentation-needed -j ACCEPT\n"
            "-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n"
            "-A INPUT -s 192.0.2.7 -p tcp --dport 80 -m conntrack --ctstate NEW,UNTRACKED -j ACCEPT\n"
            "COMMIT\n"
            "*raw\n"
            "-A PREROUTING -s 192.0.2.7 -p tcp --dport 80 -j CT --notrack\n"
            "-A OUTPUT -d 192.0.2.7 -p tcp --sport 80 -j CT --notrack\n"
            "COMMIT\n"
        ),
    ),
)
