"""The RST with which REJECT answers an untracked packet does not get out.

It has the state of the packet that it answers attached, so that no NOTRACK rule in
OUTPUT takes it, and connection tracking finds it INVALID: neither RELATED, as for a
tracked connection, nor UNTRACKED.  Where OUTPUT drops it, the client is not refused
but waits until it gives up (measured).
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.examples import ACCEPTED, ERRORS, SERVER
from rulec.lint.places import labels


def find(facts: Facts) -> Iterator[Finding]:
    """Report each rule that answers so, with the one that drops the answer."""
    for spot in facts.untracked("untracked, reset"):
        effect = "is dropped in OUTPUT" if spot.detail else "nothing in OUTPUT accepts it"
        yield Finding(
            "reject-reset-is-invalid",
            f"the RST that answers an untracked packet here is INVALID, and {effect}",
            labels(facts, spot.line, spot.others, "drops it"),
            Severity.WARNING,
            hint="in OUTPUT accept it by --sport and --ctstate UNTRACKED,INVALID, before INVALID is dropped",
            witness=spot.witness,
        )


_REFUSED = "-A INPUT -s 198.51.100.0/24 -p tcp --dport 80 -j REJECT --reject-with tcp-reset\n"
_DROPPED = "-A OUTPUT -m conntrack --ctstate INVALID -j DROP\n"

CHECK = Check(
    slug="reject-reset-is-invalid",
    group="notrack",
    severity=Severity.WARNING,
    summary="the RST with which REJECT answers an untracked packet does not get out",
    why=__doc__,
    find=find,
    example=Example(
        bad=SERVER.replace(ERRORS, _DROPPED + ERRORS).replace(ACCEPTED, _REFUSED + ACCEPTED),
        good=SERVER.replace(ACCEPTED, _REFUSED + ACCEPTED).replace(
            ERRORS,
            "-A OUTPUT -p tcp --sport 80 ! --tcp-flags SYN,ACK SYN -m conntrack --ctstate UNTRACKED,INVALID -j ACCEPT\n"
            + _DROPPED
            + ERRORS,
        ),
    ),
)
