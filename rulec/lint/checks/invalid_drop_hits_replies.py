"""A rule that drops INVALID meets one direction of flows, since the other is untracked.

Connection tracking that has not seen a SYN finds its SYN+ACK INVALID; where it has
seen the SYN and no SYN+ACK, it finds what the client sends next INVALID.  A rule
that drops what is INVALID, right as it may be, ends the service then (measured: no
connection comes about, and without that rule each does).  Where a SYN alone is
untracked, only SYNPROXY can make a connection of it.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.examples import ANSWERS, ERRORS, SERVER
from rulec.lint.places import labels

_SYN = "leave the whole flow untracked, or none of it: a SYN alone is for SYNPROXY"


def find(facts: Facts) -> Iterator[Finding]:
    """Report each of these rules, with those that leave the other direction untracked."""
    for spot in facts.untracked("untracked, INVALID dropped"):
        (mirrored,) = facts.told("mirrored_rule", spot.others[0], spot.detail)
        other = f"leave the other direction untracked, too: {mirrored}" if mirrored else ""
        yield Finding(
            "invalid-drop-hits-replies",
            "this drops one direction of connections whose other is untracked: it is INVALID",
            labels(facts, spot.line, spot.others[:3], "leaves the other direction untracked"),
            Severity.ERROR,
            hint=_SYN if spot.detail == "syn" else other or "leave the other direction untracked, too",
            witness=spot.witness,
        )


CHECK = Check(
    slug="invalid-drop-hits-replies",
    group="notrack",
    severity=Severity.ERROR,
    summary="a rule that drops INVALID meets one direction of flows, since the other is untracked",
    why=__doc__,
    find=find,
    example=Example(
        bad=SERVER.replace(ERRORS, "-A OUTPUT -m conntrack --ctstate INVALID -j DROP\n" + ERRORS).replace(ANSWERS, ""),
        good=SERVER.replace(ERRORS, "-A OUTPUT -m conntrack --ctstate INVALID -j DROP\n" + ERRORS),
    ),
)
