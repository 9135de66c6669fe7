"""ICMP errors about tracked flows are left untracked.

An ICMP error is RELATED to the connection that it tells of, and so let in.  Left
untracked it is not, whatever it tells of: connections that are tracked no longer
learn that their packets are too large, and hang (measured).
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.examples import SERVER
from rulec.lint.places import labels


def find(facts: Facts) -> Iterator[Finding]:
    """Report each of these rules."""
    for spot in facts.untracked("untracked, icmp"):
        yield Finding(
            "notrack-icmp",
            "this leaves ICMP errors untracked that are RELATED to tracked connections",
            labels(facts, spot.line, spot.others, ""),
            Severity.WARNING,
            hint="leave only the flows themselves untracked, by protocol and port",
            witness=spot.witness,
        )


CHECK = Check(
    slug="notrack-icmp",
    group="notrack",
    severity=Severity.WARNING,
    summary="ICMP errors about tracked flows are left untracked",
    why=__doc__,
    find=find,
    example=Example(
        bad=(
            "*filter\n"
            ":INPUT DROP [0:0]\n"
            "-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n"
            "COMMIT\n"
            "*raw\n"
            "-A PREROUTING -p icmp -j CT --notrack\n"
            "-A OUTPUT -p icmp -j CT --notrack\n"
            "COMMIT\n"
        ),
        good=SERVER,
    ),
)
