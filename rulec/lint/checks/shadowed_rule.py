"""Earlier rules decide otherwise about what the rule would match.

What the rule says never happens: what it would accept is refused, or what it
would refuse is accepted.  One of the two is a mistake, most often of the order.
Where one rule in front matches all that this one does, that counts, and else what
is decided of new connections.  To drop and to reject count as the same; a rule
that decides nothing, such as LOG, is `unreachable-rule` where no packet gets to it.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.analysis.rules import Reason
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.places import deletion, labels


def find(facts: Facts) -> Iterator[Finding]:
    """Report each rule whose packets meet another verdict before it."""
    for rule in facts.dead:
        if rule.reason is Reason.OTHERWISE:
            yield Finding(
                "shadowed-rule",
                "earlier rules decide otherwise about what this rule would match",
                labels(facts, rule.line, rule.by, "these packets are decided here"),
                Severity.WARNING,
                hint="move it in front of them if it is meant to take effect, or delete it",
                witness=rule.witness,
                fix=deletion(facts, [rule.line]),
            )


CHECK = Check(
    slug="shadowed-rule",
    group="ruleset",
    severity=Severity.WARNING,
    summary="earlier rules decide otherwise about what the rule would match",
    why=__doc__,
    find=find,
    example=Example(
        bad="*filter\n-A INPUT -s 192.0.2.0/24 -j DROP\n-A INPUT -s 192.0.2.7 -j ACCEPT\nCOMMIT\n",
        good="*filter\n-A INPUT -s 192.0.2.7 -j ACCEPT\n-A INPUT -s 192.0.2.0/24 -j DROP\nCOMMIT\n",
    ),
)
