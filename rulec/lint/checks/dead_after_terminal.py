"""Rules stand behind one that takes every packet.

A rule without conditions ends the chain: with ACCEPT, DROP, REJECT, RETURN, or by
going to a chain from which no packet comes back.  None meets the rules behind it.
Rules that are appended to a running ruleset end up there.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.places import deletion, labels


def find(facts: Facts) -> Iterator[Finding]:
    """Report the block of rules behind each such rule, once."""
    for block in facts.structure.blocks:
        count = f"these {len(block.lines)} rules" if len(block.lines) > 1 else "this rule"
        yield Finding(
            "dead-after-terminal",
            f"no packet gets to {count}: a rule before takes every packet",
            labels(facts, block.lines[0], [block.by], "every packet is taken here"),
            Severity.WARNING,
            fix=deletion(facts, block.lines, f"delete {count}"),
        )


CHECK = Check(
    slug="dead-after-terminal",
    group="ruleset",
    severity=Severity.WARNING,
    summary="rules stand behind one that takes every packet",
    why=__doc__,
    find=find,
    example=Example(
        bad="*filter\n-A INPUT -s 192.0.2.0/24 -j ACCEPT\n-A INPUT -j DROP\n-A INPUT -p icmp -j ACCEPT\nCOMMIT\n",
        good="*filter\n-A INPUT -s 192.0.2.0/24 -j ACCEPT\n-A INPUT -p icmp -j ACCEPT\n-A INPUT -j DROP\nCOMMIT\n",
    ),
)
