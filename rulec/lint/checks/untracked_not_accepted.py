"""Packets are left untracked, and no rule accepts them so.

An untracked packet is neither NEW nor ESTABLISHED.  The rules that accept the flow
ask for these, so that what was let in as long as it was tracked is refused from
now on: the service is gone, or what comes back is.  Rules that accept NEW should
take UNTRACKED beside it, where they name the flow; a rule for what comes back must
name it as well, since there is nothing that tells it from other packets.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.examples import ACCEPTED, SERVER
from rulec.lint.places import labels
from rulec.lint.words import widened

_SAID = {
    "new": "these packets are left untracked, and the rule that would accept them asks for another state",
    "rest": "only the first packets of these connections are accepted: the others are untracked, not ESTABLISHED",
    "answers": "what comes back is left untracked, and the rule that would accept it asks for another state",
}
_HINTS = {
    "new": "say NEW,UNTRACKED in the rule that accepts the flow",
    "rest": "accept the untracked packets of the flow that are not the first, too: ! --syn and UNTRACKED",
    "answers": "accept it by address and port: for tcp with ! --tcp-flags SYN,ACK SYN, and --ctstate UNTRACKED",
}


def find(facts: Facts) -> Iterator[Finding]:
    """Report each rule that leaves packets untracked, with each rule that would accept them."""
    for spot in facts.untracked("untracked, not accepted"):
        yield Finding(
            "untracked-not-accepted",
            _SAID[spot.detail],
            labels(facts, spot.line, spot.others, "would decide about them if they were tracked"),
            Severity.ERROR,
            hint=_HINTS[spot.detail],
            witness=spot.witness,
            fix=widened(facts, spot.others[0]) if spot.detail == "new" else None,
        )


CHECK = Check(
    slug="untracked-not-accepted",
    group="notrack",
    severity=Severity.ERROR,
    summary="packets are left untracked, and no rule accepts them so",
    why=__doc__,
    find=find,
    repairs=True,
    example=Example(
        bad=SERVER.replace(ACCEPTED, "-A INPUT -p tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT\n"), good=SERVER
    ),
)
