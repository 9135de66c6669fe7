"""One direction of a flow is left untracked, and the other is tracked.

Nothing is saved then, and connections may fail.  Where only what arrives is
untracked, each flow gets an entry from its first answer, as if that had begun
it; answers of TCP are INVALID, and a rule that drops these ends the service.
Where only what leaves is untracked, the entry waits for an answer that is never
seen, and what the client sends after its SYN is INVALID.  Answers of this host
pass OUTPUT; those of others behind it pass PREROUTING, as the requests do.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.examples import ANSWERS, SERVER
from rulec.lint.places import labels

_ROLES = {"server": "a server here", "client": "a client here", "forward": "a flow through this host"}


def find(facts: Facts) -> Iterator[Finding]:
    """Report each rule of which the other direction is tracked; of UDP nothing need ever come back."""
    told = _told_elsewhere(facts)
    tracked = f"{'' if facts.tracking.lines else 'where anything tracks packets, '}each flow is tracked all the same"
    for spot in facts.untracked("half tracked"):
        if spot.line in told:
            continue
        role, _, fate, protocol = spot.detail.split()
        fails = fate == "fails" and protocol == "tcp"
        effect = "its tracked packets are INVALID, and refused" if fails else tracked
        (mirrored,) = facts.told("mirrored_rule", spot.line, role)
        yield Finding(
            "notrack-leg-missing",
            f"only one direction of {_ROLES[role]} is left untracked: {effect}",
            labels(facts, spot.line, (), ""),
            Severity.ERROR if protocol == "tcp" else Severity.WARNING,
            hint=f"the other direction: {mirrored}" if mirrored else "leave the other direction untracked as well",
            witness=spot.witness,
        )


def _told_elsewhere(facts: Facts) -> set[int]:
    """The rules of which another check says more: of their direction, of INVALID packets dropped, of SYNPROXY."""
    wrong = {spot.line for spot in facts.told("wrong_directions")}
    dropped = {line for spot in facts.untracked("untracked, INVALID dropped") for line in spot.others}
    return wrong | dropped | {spot.line for spot in facts.untracked("untracked, SYNPROXY")}


CHECK = Check(
    slug="notrack-leg-missing",
    group="notrack",
    severity=Severity.ERROR,
    summary="one direction of a flow is left untracked, and the other is tracked",
    why=__doc__,
    find=find,
    example=Example(
        bad=SERVER.replace(ANSWERS, ""),
        good=SERVER,
    ),
)
