"""No packet that the rule would match gets to it.

Rules before it take them all, in its chain, in those that packets come from, or in
an earlier table; or none is sent there; or what it asks for was changed before: a
packet that NOTRACK has met is never NEW.  Often the author wanted it to take
effect, and put it too low; a reader will believe that it does.  Where all of
these rules decide otherwise than this one would, `shadowed-rule` says so instead.
Of a line that makes several rules, none is met.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.analysis.rules import Reason
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.places import deletion, labels

_SAYING = {
    Reason.TAKEN: ("no packet gets to this rule that it would match", "these packets are taken here"),
    Reason.NOT_SENT: ("no packet that this rule would match is sent into its chain", "packets come from here"),
    Reason.CHANGED: ("no packet is by then what this rule asks for: it was changed", "it is changed here"),
}


def find(facts: Facts) -> Iterator[Finding]:
    """Report each rule whose packets are taken before it, and not all decided otherwise."""
    for rule in facts.dead:
        if rule.reason in _SAYING:
            message, text = _SAYING[rule.reason]
            yield Finding(
                "unreachable-rule",
                message,
                labels(facts, rule.line, rule.by, text),
                Severity.WARNING,
                witness=rule.witness,
                fix=deletion(facts, [rule.line]),
            )


CHECK = Check(
    slug="unreachable-rule",
    group="ruleset",
    severity=Severity.WARNING,
    summary="no packet gets to the rule that it would match",
    why=__doc__,
    find=find,
    example=Example(
        bad=(
            "*filter\n"
            "-A INPUT -s 192.0.2.0/24 -j ACCEPT\n"
            "-A INPUT -s 192.0.2.7 -p tcp --dport 22 -j ACCEPT\n"
            "-A INPUT -j DROP\n"
            "COMMIT\n"
        ),
        good=(
            "*filter\n"
            "-A INPUT -s 192.0.2.0/24 -j ACCEPT\n"
            "-A INPUT -s 198.51.100.7 -p tcp --dport 8080 -j ACCEPT\n"
            "-A INPUT -j DROP\n"
            "COMMIT\n"
        ),
    ),
)
