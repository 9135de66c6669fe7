"""The same rule stands in the chain before.

A packet that it matches met the first one; where that decides, none gets to the
second, and where it does not, the same is done twice.  Comments are not compared,
and of rules with a memory, such as `limit`, two are more than one.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.places import deletion, labels


def find(facts: Facts) -> Iterator[Finding]:
    """Report each line that repeats an earlier one of its chain."""
    for double in facts.structure.duplicates:
        message = f"the same rule stands on line {double.first}"
        found = labels(facts, double.line, [double.first], "the first one")
        yield Finding("duplicate-rule", message, found, Severity.NOTE, fix=deletion(facts, [double.line]))


CHECK = Check(
    slug="duplicate-rule",
    group="ruleset",
    severity=Severity.NOTE,
    summary="the same rule stands in the chain before",
    why=__doc__,
    find=find,
    example=Example(
        bad=(
            "*filter\n"
            "-A INPUT -p tcp --dport 80 -j ACCEPT\n"
            "-A INPUT -p tcp --dport 443 -j ACCEPT\n"
            "-A INPUT -p tcp --dport 80 -j ACCEPT\n"
            "-A INPUT -j DROP\n"
            "COMMIT\n"
        ),
        good=(
            "*filter\n"
            "-A INPUT -p tcp --dport 80 -j ACCEPT\n"
            "-A INPUT -p tcp --dport 443 -j ACCEPT\n"
            "-A INPUT -j DROP\n"
            "COMMIT\n"
        ),
    ),
)
