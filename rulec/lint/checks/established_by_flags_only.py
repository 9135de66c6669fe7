"""TCP segments are taken for parts of a connection because of their flags alone.

Everybody can send a segment with ACK.  It opens no connection, but it gets to
every port, and the answer tells whether something is there (a scan by ACK), or
keeps a host busy.  `-m conntrack --ctstate ESTABLISHED` asks for a connection; a
ruleset that is to do without tracking has no other way than to name the ports.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.places import labels


def find(facts: Facts) -> Iterator[Finding]:
    """Report each rule that accepts any segment with ACK."""
    for rule in facts.accepted_flags:
        yield Finding(
            "established-by-flags-only",
            "this rule accepts every segment with ACK, whether there is a connection or not",
            labels(facts, rule.line, (), ""),
            Severity.ERROR,
            witness=rule.witness,
        )


CHECK = Check(
    slug="established-by-flags-only",
    group="exposure",
    severity=Severity.ERROR,
    summary="tcp is taken for established because of its flags",
    why=__doc__,
    find=find,
    example=Example(
        bad="*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp ! --syn -j ACCEPT\nCOMMIT\n",
        good="*filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\nCOMMIT\n",
    ),
)
