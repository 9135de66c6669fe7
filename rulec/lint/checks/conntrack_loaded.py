"""Something loads the conntrack module, without having packets tracked.

The module of NOTRACK and CT needs nf_conntrack, and so does the nat table, even
one without rules.  Since Linux 4.14 loading a module tracks nothing.  On older
kernels (`--kernel el5`, `el6`, `el7`) a nat table has every packet tracked, and on
el5 NOTRACK as well; tracking-nat and tracking-target speak of these.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Label, Severity
from rulec.lint.check import Check, Example
from rulec.lint.places import line_label


def find(facts: Facts) -> Iterator[Finding]:
    """Report each rule and each nat table that only loads the module."""
    source = facts.ruleset.source
    since = " since Linux 4.14" if facts.kernel.by_rules else " by itself"
    for cause in facts.tracking.loads:
        flag = "-m" if cause.role == "match" else "-j"
        message = f"{flag} {cause.name} loads nf_conntrack, and tracks nothing{since}"
        yield Finding("conntrack-loaded", message, (Label(source, cause.span),), Severity.NOTE)
    for line in facts.tracking.nat_tables if not facts.tracking.nat_tracks else ():
        message = "a nat table loads nf_conntrack, and tracks nothing by itself since Linux 4.14"
        yield Finding("conntrack-loaded", message, (line_label(source, line),), Severity.NOTE)


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
