"""Packets are accepted because they belong to no connection.

INVALID is what connection tracking finds no connection for, and what cannot begin
one: FIN, RST or SYN+ACK out of nowhere, flags that make no sense.  A rule that accepts
it beside ESTABLISHED lets it in to every port, past all rules behind (measured), which
is what scans are made of.  ICMP errors about untracked connections are INVALID, too:
these should be accepted by their type.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.places import labels


def find(facts: Facts) -> Iterator[Finding]:
    """Report each rule that accepts whatever is INVALID."""
    for rule in facts.accepted_invalid:
        yield Finding(
            "invalid-accepted",
            "this rule accepts what belongs to no connection, to any port",
            labels(facts, rule.line, (), ""),
            Severity.WARNING,
            hint="leave INVALID out",
            witness=rule.witness,
        )


CHECK = Check(
    slug="invalid-accepted",
    group="exposure",
    severity=Severity.WARNING,
    summary="packets are accepted because they belong to no connection",
    why=__doc__,
    find=find,
    example=Example(
        bad="*filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate ESTABLISHED,INVALID -j ACCEPT\nCOMMIT\n",
        good="*filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\nCOMMIT\n",
    ),
)
