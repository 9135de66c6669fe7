"""Something loads the conntrack module, without having packets tracked.

The module of NOTRACK and CT needs nf_conntrack, and so does the nat table, even
one without rules.  Since Linux 4.14 loading the module tracks nothing; before
that (el5, el6, el7) it tracks every packet of the host.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Label, Severity
from rulec.lint.check import Check, Example
from rulec.source import Span


def find(facts: Facts) -> Iterator[Finding]:
    """Report each rule and each nat table that only loads the module."""
    source = facts.ruleset.source
    for cause in facts.tracking.loads:
        message = f"-j {cause.name} loads nf_conntrack, and tracks nothing since Linux 4.14"
        yield Finding("conntrack-loaded", message, (Label(source, cause.span),), Severity.NOTE)
    for line in facts.tracking.nat_tables:
        start = source.line_starts[line - 1]
        message = "a nat table loads nf_conntrack, and tracks nothing by itself since Linux 4.14"
        label = Label(source, Span(start, start + len(source.line(line))))
        yield Finding("conntrack-loaded", message, (label,), Severity.NOTE)


CHECK = Check(
    slug="conntrack-loaded",
    group="conntrack",
    severity=Severity.NOTE,
    summary="the conntrack module is loaded, without tracking",
    why=__doc__,
    find=find,
    example=Example(
        bad="*raw\n-A PREROUTING -p udp --dport 53 -j NOTRACK\nCOMMIT\n",
        good="*raw\n-A PREROUTING -p udp --dport 53 -j ACCEPT\nCOMMIT\n",
    ),
)
