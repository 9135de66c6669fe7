"""NOTRACK on what arrives by lo has no effect.

A packet on the loopback keeps what was attached to it in OUTPUT, and NOTRACK passes
over packets to which something is attached: local flows stay tracked (measured).
Only what was INVALID in OUTPUT has nothing attached, and is of no flow.  To leave
local flows untracked, OUTPUT must do so, for both directions: `-o lo`.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.places import labels


def find(facts: Facts) -> Iterator[Finding]:
    """Report each of these rules."""
    for spot in facts.untracked("untracked, loopback"):
        yield Finding(
            "notrack-prerouting-lo-is-noop",
            "this rule has no effect: what arrives by lo was tracked in OUTPUT already",
            labels(facts, spot.line, spot.others, ""),
            Severity.WARNING,
            hint="put -A OUTPUT -o lo in its place",
            witness=spot.witness,
        )


CHECK = Check(
    slug="notrack-prerouting-lo-is-noop",
    group="notrack",
    severity=Severity.WARNING,
    summary="NOTRACK on what arrives by lo has no effect",
    why=__doc__,
    find=find,
    example=Example(
        bad=(
            "*filter\n"
            ":INPUT DROP [0:0]\n"
            "-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n"
            "COMMIT\n"
            "*raw\n"
            "-A PREROUTING -i lo -j CT --notrack\n"
            "COMMIT\n"
        ),
        good=(
            "*filter\n"
            ":INPUT DROP [0:0]\n"
            "-A INPUT -i lo -j ACCEPT\n"
            "-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n"
            "COMMIT\n"
            "*raw\n"
            "-A OUTPUT -o lo -j CT --notrack\n"
            "COMMIT\n"
        ),
    ),
)
