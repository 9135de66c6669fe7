"""A NOTRACK rule asks by which interface packets leave, before that is known.

In PREROUTING no packet has an output interface: `-o eth0` never matches there, and
`! -o lo` always does.  iptables-restore refuses it in the chain PREROUTING itself,
but not in a chain that is called from there.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.places import labels


def find(facts: Facts) -> Iterator[Finding]:
    """Report each of these rules."""
    for spot in facts.told("outputs_in_prerouting") if facts.leaves_untracked else ():
        yield Finding(
            "out-interface-in-prerouting",
            "packets that come here from PREROUTING have no output interface yet",
            labels(facts, spot.line, spot.others, ""),
            Severity.WARNING,
            hint="name addresses in its place",
        )


CHECK = Check(
    slug="out-interface-in-prerouting",
    group="notrack",
    severity=Severity.WARNING,
    summary="a NOTRACK rule asks by which interface packets leave, before that is known",
    why=__doc__,
    find=find,
    example=Example(
        bad=(
            "*filter\n"
            ":INPUT DROP [0:0]\n"
            "-A INPUT -p gre -j ACCEPT\n"
            "-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n"
            "COMMIT\n"
            "*raw\n"
            ":hot - [0:0]\n"
            "-A PREROUTING -p gre -j hot\n"
            "-A hot -o eth1 -j CT --notrack\n"
            "COMMIT\n"
        ),
        good=(
            "*filter\n"
            ":INPUT DROP [0:0]\n"
            "-A INPUT -p gre -j ACCEPT\n"
            "-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n"
            "COMMIT\n"
            "*raw\n"
            ":hot - [0:0]\n"
            "-A OUTPUT -p gre -j hot\n"
            "-A hot -o eth1 -j CT --notrack\n"
            "-A PREROUTING -i eth1 -p gre -j CT --notrack\n"
            "COMMIT\n"
        ),
    ),
)
