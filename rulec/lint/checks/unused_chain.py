"""Nothing goes to the chain.

No rule of a base chain jumps there, neither directly nor by way of others, so that
no packet meets its rules.  They are loaded all the same, and one with
`-m conntrack` switches connection tracking on.  A program may have made the chain
to fill it later.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.places import chain_label


def find(facts: Facts) -> Iterator[Finding]:
    """Report each chain that no packet can enter."""
    for chain in facts.structure.unused:
        from_others = f", except from unused chains ({', '.join(chain.callers[:3])})" if chain.callers else ""
        rules = f"; its {chain.rules} rules are never met" if chain.rules > 1 else ""
        message = f"nothing goes to the chain {chain.chain}{from_others}{rules}"
        label = chain_label(facts, chain.table, chain.line)
        yield Finding("unused-chain", message, (label,), Severity.NOTE)


CHECK = Check(
    slug="unused-chain",
    group="ruleset",
    severity=Severity.NOTE,
    summary="nothing goes to the chain",
    why=__doc__,
    find=find,
    example=Example(
        bad="*filter\n:ssh - [0:0]\n-A INPUT -j DROP\n-A ssh -s 192.0.2.7 -j ACCEPT\nCOMMIT\n",
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
