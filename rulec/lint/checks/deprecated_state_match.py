"""-m state is the old way to say -m conntrack --ctstate.

`state` is kept for old rulesets, and iptables loads it as `conntrack` (libxt_state.c).
Beside NOTRACK rules it is well to see at once that all ask for the same states.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.examples import ACCEPTED, SERVER
from rulec.lint.places import labels
from rulec.lint.words import replaced


def find(facts: Facts) -> Iterator[Finding]:
    """Report each of these rules."""
    for spot in facts.told("old_states") if facts.leaves_untracked else ():
        yield Finding(
            "deprecated-state-match",
            "-m state is the old way to say -m conntrack --ctstate",
            labels(facts, spot.line, spot.others, ""),
            Severity.NOTE,
            fix=replaced(
                facts,
                spot.line,
                r"-m\s+state\s+(!\s+)?--state(?=\s)",
                "-m conntrack " + spot.detail + "--ctstate",
                "say --ctstate",
            ),
        )


CHECK = Check(
    slug="deprecated-state-match",
    group="notrack",
    severity=Severity.NOTE,
    summary="-m state is the old way to say -m conntrack --ctstate",
    why=__doc__,
    find=find,
    example=Example(
        bad=SERVER.replace(ACCEPTED, "-A INPUT -p tcp --dport 80 -m state --state NEW,UNTRACKED -j ACCEPT\n"),
        good=SERVER,
    ),
)
