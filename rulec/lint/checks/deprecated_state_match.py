"""-m state is the old way to say -m conntrack --ctstate.

`state` is kept for old rulesets, and iptables loads it as `conntrack` (libxt_state.c).
Beside NOTRACK rules it is well to see at once that all ask for the same states.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Fix, Severity
from rulec.lint.check import Check, Example
from rulec.lint.examples import ACCEPTED, SERVER
from rulec.lint.places import labels
from rulec.lint.words import in_all, replaced, together


def find(facts: Facts) -> Iterator[Finding]:
    """Report the first of these rules, and how many there are."""
    spots = sorted(facts.told("old_states")) if facts.leaves_untracked else []
    if spots:
        yield Finding(
            "deprecated-state-match",
            "-m state is the old way to say -m conntrack --ctstate" + in_all(len(spots)),
            labels(facts, spots[0].line, (), ""),
            Severity.NOTE,
            fix=together("say --ctstate", (_said_anew(facts, spot.line, spot.detail) for spot in spots)),
        )


def _said_anew(facts: Facts, line: int, negated: str) -> Fix | None:
    words = f"-m conntrack {negated}--ctstate"
    return replaced(facts, line, r"-m\s+state\s+(!\s+)?--state(?=\s)", words, "say --ctstate")


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
