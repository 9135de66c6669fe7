"""A rule is about the mark of a connection, and its packets are of none.

Untracked packets have no connection that could bear a mark: `-m connmark` never
matches them, not even `--mark 0/0` or negated, and `-j CONNMARK` does nothing, nor
does `--restore-mark` clear the mark of the packet.  Where routes or queues are
chosen by the mark of the connection, answers lose it (measured).
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.examples import SERVER
from rulec.lint.places import labels


def find(facts: Facts) -> Iterator[Finding]:
    """Report each of these rules."""
    for spot in facts.untracked("untracked, connmark"):
        yield Finding(
            "connmark-on-untracked",
            "packets that are left untracked have no connection whose mark this rule could ask for or set",
            labels(facts, spot.line, spot.others, "left untracked here"),
            Severity.WARNING,
            hint="mark the packets themselves, both directions, with -j MARK",
            witness=spot.witness,
        )


CHECK = Check(
    slug="connmark-on-untracked",
    group="notrack",
    severity=Severity.WARNING,
    summary="a rule is about the mark of a connection, and its packets are of none",
    why=__doc__,
    find=find,
    example=Example(
        bad="*mangle\n-A PREROUTING -p tcp --dport 80 -j CONNMARK --set-mark 1\nCOMMIT\n" + SERVER,
        good="*mangle\n-A PREROUTING -p tcp --dport 80 -j MARK --set-mark 1\nCOMMIT\n" + SERVER,
    ),
)
