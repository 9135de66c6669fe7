"""The chain that is jumped to has no rules.

Packets come back from it at once, and the jump does nothing.  Either the rules of
the chain were forgotten, or a program fills it later.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.places import chain_label, deletion, line_label


def find(facts: Facts) -> Iterator[Finding]:
    """Report each jump to a chain without rules."""
    for jump in facts.structure.empty_jumps:
        place = line_label(facts.ruleset.source, jump.line)
        chain = chain_label(facts, jump.table, jump.declared, "no rules")
        message = f"the chain {jump.chain} has no rules, and the jump to it does nothing"
        fix = deletion(facts, [jump.line])
        yield Finding("empty-chain-jump", message, (place, chain), Severity.NOTE, fix=fix)


CHECK = Check(
    slug="empty-chain-jump",
    group="ruleset",
    severity=Severity.NOTE,
    summary="the chain that is jumped to has no rules",
    why=__doc__,
    find=find,
    example=Example(
        bad="*filter\n:ssh - [0:0]\n-A INPUT -p tcp --dport 22 -j ssh\n-A INPUT -j DROP\nCOMMIT\n",
        good=(
            "*filter\n"
            ":ssh - [0:0]\n"
            "-A INPUT -p tcp --dport 22 -j ssh\n"
            "-A INPUT -j DROP\n"
            "-A ssh -s 192.0.2.7 -j ACCEPT\n"
            "COMMIT\n"
        ),
    ),
)
