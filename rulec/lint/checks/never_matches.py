"""The conditions of the rule never hold together.

They contradict each other, such as two ranges without a common port, or what a
packet can be where the rule stands: nothing has an outgoing interface in
PREROUTING, and before connection tracking has looked at a packet, in the table
raw, nothing is ESTABLISHED but what comes over the loopback.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.analysis.rules import Reason
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.places import deletion, labels


def find(facts: Facts) -> Iterator[Finding]:
    """Report each rule that can match nothing, whatever the other rules are."""
    for rule in facts.dead:
        if rule.reason is Reason.NEVER:
            never = f"never holds here: {rule.detail}" if rule.detail else "never holds here"
            yield Finding(
                "never-matches",
                f"this rule can match no packet; {never}",
                labels(facts, rule.line, (), ""),
                Severity.WARNING,
                fix=deletion(facts, [rule.line]),
            )


CHECK = Check(
    slug="never-matches",
    group="ruleset",
    severity=Severity.WARNING,
    summary="the conditions of the rule never hold together",
    why=__doc__,
    find=find,
    example=Example(
        bad="*filter\n-A INPUT -p tcp -m tcp --dport 80 -m multiport --dports 443,8443 -j ACCEPT\nCOMMIT\n",
        good=(
            "*filter\n"
            "-A INPUT -s 192.0.2.0/24 -p tcp -m multiport --dports 80,443,8443 -j ACCEPT\n"
            "-A INPUT -j DROP\n"
            "COMMIT\n"
        ),
    ),
)
