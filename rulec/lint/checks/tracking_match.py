"""A match switches connection tracking on.

As soon as one such rule is loaded, the kernel tracks every packet of the family
in this network namespace: each flow takes an entry of the conntrack table, also
flows that no rule with this match ever sees.  It does not matter where the rule
stands: a chain to which nothing jumps, or a rule behind an unconditional ACCEPT,
counts the same.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Label, Severity
from rulec.lint.check import Check, Example


def find(facts: Facts) -> Iterator[Finding]:
    """Report each match that switches tracking on."""
    for cause in facts.tracking.tracks:
        if cause.role == "match":
            message = f"-m {cause.name} has every {facts.tracking.family.label} packet tracked"
            yield Finding("tracking-match", message, (Label(facts.ruleset.source, cause.span),), Severity.NOTE)


CHECK = Check(
    slug="tracking-match",
    group="conntrack",
    severity=Severity.NOTE,
    summary="a match switches connection tracking on",
    why=__doc__,
    find=find,
    example=Example(
        bad="*filter\n-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\nCOMMIT\n",
        good="*filter\n-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT\nCOMMIT\n",
    ),
)
