"""Without the rule everything would be decided alike.

All packets that it decides would meet the same verdict behind it: by a later rule
of the chain, or by the policy.  They would meet no rule on their way that logs,
marks or remembers.  Any of the rules that are reported may be deleted, alone or
together.  A rule without conditions is none of them: it says in so many words
what the policy would do.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.places import deletion, labels


def find(facts: Facts) -> Iterator[Finding]:
    """Report each rule that could go."""
    policies = {(policy.chain, line) for policy in facts.open_policies for line in policy.rules}
    for rule in facts.redundant:
        if rule.table != "filter" or (rule.chain, rule.line) not in policies:
            by = "the policy decides" if rule.by == () else "later rules decide"
            yield Finding(
                "redundant-rule",
                f"without this rule {by} the same",
                labels(facts, rule.line, rule.by or (), "the same is decided here"),
                Severity.NOTE,
                fix=deletion(facts, [rule.line]),
            )


CHECK = Check(
    slug="redundant-rule",
    group="ruleset",
    severity=Severity.NOTE,
    summary="without the rule everything would be decided alike",
    why=__doc__,
    find=find,
    example=Example(
        bad=(
            "*filter\n"
            ":INPUT DROP [0:0]\n"
            "-A INPUT -s 192.0.2.7 -p tcp -j ACCEPT\n"
            "-A INPUT -s 192.0.2.0/24 -j ACCEPT\n"
            "COMMIT\n"
        ),
        good=(
            "*filter\n"
            ":INPUT DROP [0:0]\n"
            "-A INPUT -s 192.0.2.0/24 -j ACCEPT\n"
            "-A INPUT -s 198.51.100.7 -j ACCEPT\n"
            "COMMIT\n"
        ),
    ),
)
