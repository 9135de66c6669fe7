"""Rules open one thing or another, and the policy accepts all the rest as well.

Nothing behind these rules refuses anything, so they decide nothing: it looks as
if only what is named were let in, and everything is.  Either the policy should be
DROP, or a last rule refuse what is left.  A chain that only refuses a few things
is not meant: it needs no rules that accept.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Confidence, Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.places import chain_label, line_label


def find(facts: Facts) -> Iterator[Finding]:
    """Report each base chain of the table filter whose rules open what is open."""
    for policy in facts.open_policies:
        count = f"{len(policy.rules)} rules that accept" if len(policy.rules) > 1 else "the rule that accepts"
        other = line_label(facts.ruleset.source, policy.rules[0], "accepted without this rule, too")
        yield Finding(
            "policy-accept-without-catch-all",
            f"the policy of {policy.chain} accepts what is left, so that {count} may as well not be there",
            (chain_label(facts, "filter", policy.line), other),
            Severity.WARNING,
            Confidence.LIKELY,
            hint="make the policy DROP, or end the chain with a rule that refuses the rest",
            witness=policy.witness,
        )


CHECK = Check(
    slug="policy-accept-without-catch-all",
    group="ruleset",
    severity=Severity.WARNING,
    summary="the policy accepts all that no rule takes",
    why=__doc__,
    find=find,
    example=Example(
        bad=(
            "*filter\n"
            ":INPUT ACCEPT [0:0]\n"
            "-A INPUT -p tcp --dport 80 -j ACCEPT\n"
            "-A INPUT -p tcp --dport 443 -j ACCEPT\n"
            "COMMIT\n"
        ),
        good=(
            "*filter\n"
            ":INPUT ACCEPT [0:0]\n"
            "-A INPUT -p tcp --dport 80 -j ACCEPT\n"
            "-A INPUT -p tcp --dport 443 -j ACCEPT\n"
            "-A INPUT -j REJECT\n"
            "COMMIT\n"
        ),
    ),
)
