"""A NAT rule forces connection tracking.

The kernel translates flows, not packets, and remembers each translation in the
conntrack table: one SNAT, DNAT, MASQUERADE, REDIRECT or NETMAP rule has every
packet of the family tracked.  Packets that are not tracked are not translated.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Label, Severity
from rulec.lint.check import Check, Example


def find(facts: Facts) -> Iterator[Finding]:
    """Report each target of the nat table that switches tracking on."""
    for cause in facts.tracking.tracks:
        if cause.role == "target" and cause.table == "nat":
            message = f"NAT by -j {cause.name} has every {facts.ruleset.family.label} packet tracked"
            yield Finding("tracking-nat", message, (Label(facts.ruleset.source, cause.span),), Severity.NOTE)


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
