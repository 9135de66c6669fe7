"""Ports are tested of a protocol of which no packet comes into the chain.

All rules that send packets into the chain choose another protocol: a rule for
tcp stands in a chain that gets udp only.  Most often it was copied, or one word
of the jump was forgotten when the chain was made for both.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.analysis.rules import Reason
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.places import deletion, labels


def find(facts: Facts) -> Iterator[Finding]:
    """Report each such rule."""
    for rule in facts.dead:
        if rule.reason is Reason.PROTOCOL:
            yield Finding(
                "port-match-on-wrong-protocol",
                f"no packet of the protocol of these ports comes into the chain {rule.chain}",
                labels(facts, rule.line, rule.by, "packets come from here"),
                Severity.WARNING,
                fix=deletion(facts, [rule.line]),
            )


CHECK = Check(
    slug="port-match-on-wrong-protocol",
    group="ruleset",
    severity=Severity.WARNING,
    summary="ports are tested of a protocol that never comes into the chain",
    why=__doc__,
    find=find,
    example=Example(
        bad=(
            "*filter\n"
            ":names - [0:0]\n"
            "-A INPUT -p udp -j names\n"
            "-A INPUT -j DROP\n"
            "-A names -p udp --dport 53 -j ACCEPT\n"
            "-A names -p tcp --dport 53 -j ACCEPT\n"
            "COMMIT\n"
        ),
        good=(
            "*filter\n"
            ":names - [0:0]\n"
            "-A INPUT -p udp -j names\n"
            "-A INPUT -p tcp -j names\n"
            "-A INPUT -j DROP\n"
            "-A names -p udp --dport 53 -j ACCEPT\n"
            "-A names -p tcp --dport 53 -j ACCEPT\n"
            "COMMIT\n"
        ),
    ),
)
