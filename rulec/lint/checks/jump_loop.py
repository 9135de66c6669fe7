"""Chains that nothing goes to jump in a circle.

The kernel looks for circles only where packets come, so that the ruleset loads
(Linux 6.18, iptables 1.8.9, both back ends).  As soon as a rule jumps to one of
these chains, nothing of the table is loaded any more.  A circle that packets come
to is an error: `load-error`.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.places import labels


def find(facts: Facts) -> Iterator[Finding]:
    """Report a circle of each table."""
    for loop in facts.structure.loops:
        message = f"these chains jump in a circle: {' > '.join(loop.chains)}"
        first, *others = loop.lines
        yield Finding("jump-loop", message, labels(facts, first, others, "and on"), Severity.WARNING)


CHECK = Check(
    slug="jump-loop",
    group="ruleset",
    severity=Severity.WARNING,
    summary="unused chains jump in a circle",
    why=__doc__,
    find=find,
    example=Example(
        bad=(
            "*filter\n:a - [0:0]\n:b - [0:0]\n-A INPUT -j DROP\n-A a -s 192.0.2.0/24 -j b\n-A b -p tcp -j a\nCOMMIT\n"
        ),
        good=(
            "*filter\n:a - [0:0]\n:b - [0:0]\n-A INPUT -j a\n-A a -s 192.0.2.0/24 -j b\n-A b -p tcp -j ACCEPT\nCOMMIT\n"
        ),
    ),
)
