"""A NAT rule forces connection tracking.

The kernel translates flows, not packets, and remembers each translation in the
conntrack table: one SNAT, DNAT, MASQUERADE, REDIRECT or NETMAP rule has every
packet of the family tracked.  Packets that are not tracked are not translated.

On old kernels (`--kernel el5`, `el6`, `el7`) the nat table is enough, without any
rule: `iptables -t nat -L` creates it.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Label, Severity
from rulec.lint.check import Check, Example
from rulec.lint.places import line_label


def find(facts: Facts) -> Iterator[Finding]:
    """Report each target of the nat table that switches tracking on, and the table where it does."""
    source, family = facts.ruleset.source, facts.tracking.family.label
    for cause in facts.tracking.tracks:
        if cause.role == "target" and cause.table == "nat":
            message = f"NAT by -j {cause.name} has every {family} packet tracked"
            yield Finding("tracking-nat", message, (Label(source, cause.span),), Severity.NOTE)
    for line in facts.tracking.nat_tables if facts.tracking.nat_tracks else ():
        message = f"a nat table has every {family} packet tracked on {facts.kernel.title}, even without rules"
        yield Finding("tracking-nat", message, (line_label(source, line),), Severity.NOTE)


CHECK = Check(
    slug="tracking-nat",
    group="conntrack",
    severity=Severity.NOTE,
    summary="a NAT rule forces connection tracking",
    why=__doc__,
    find=find,
    example=Example(
        bad="*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n",
        good="*filter\n-A FORWARD -o eth0 -j ACCEPT\nCOMMIT\n",
    ),
)
