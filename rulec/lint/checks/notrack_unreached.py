"""No packet gets to a NOTRACK rule.

Earlier rules take all its packets out of the chain: NOTRACK that is appended to a
chain with `-j ACCEPT` leaves nothing untracked.  If only one of the two directions
is lost so, connections fail (measured).
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.examples import ANSWERS, REQUESTS, SERVER
from rulec.lint.places import labels


def find(facts: Facts) -> Iterator[Finding]:
    """Report each NOTRACK rule behind rules that take all its packets."""
    if not facts.leaves_untracked:
        return
    lines = {line for _, line in facts.told("notrack_rules")}
    blocked: dict[int, tuple[int, ...]] = {}
    blocked.update(
        {line: (block.by,) for block in facts.structure.blocks for line in block.lines if block.table == "raw"}
    )
    blocked.update({rule.line: rule.by for rule in facts.dead if rule.table == "raw" and rule.by})
    for line in sorted(lines.intersection(blocked)):
        yield Finding(
            "notrack-unreached",
            "no packet gets to this rule, so that it leaves nothing untracked",
            labels(facts, line, blocked[line], "its packets end here"),
            Severity.ERROR,
            hint="move it to the head of the chain",
        )


CHECK = Check(
    slug="notrack-unreached",
    group="notrack",
    severity=Severity.ERROR,
    summary="no packet gets to a NOTRACK rule",
    why=__doc__,
    find=find,
    example=Example(
        bad=SERVER.replace(REQUESTS, "-A PREROUTING -p tcp -j ACCEPT\n" + REQUESTS).replace(
            ANSWERS, "-A OUTPUT -p tcp -j ACCEPT\n" + ANSWERS
        ),
        good=(
            "*filter\n"
            ":INPUT DROP [0:0]\n"
            "-A INPUT -p icmp --icmp-type fragmentation-needed -j ACCEPT\n"
            "-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n"
            "-A INPUT -p tcp --dport 80 -m conntrack --ctstate NEW,UNTRACKED -j ACCEPT\n"
            "COMMIT\n"
            "*raw\n"
            "-A PREROUTING ! -i lo -p tcp --dport 80 -m addrtype --dst-type LOCAL -j CT --notrack\n"
            "-A PREROUTING -p tcp -j ACCEPT\n"
            "-A OUTPUT ! -o lo -p tcp --sport 80 -j CT --notrack\n"
            "-A OUTPUT -p tcp -j ACCEPT\n"
            "COMMIT\n"
        ),
    ),
)
