"""Errors about untracked connections are refused, which would be let in if these were tracked.

The error that a packet is too large is RELATED to a tracked connection.  About an
untracked one it is INVALID, neither RELATED nor UNTRACKED, so that it is dropped
where only RELATED is accepted: behind a link with a smaller MTU, transfers hang
(measured, IPv4 and IPv6).  It must be accepted by its type, before any rule that
drops what is INVALID.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.examples import ERRORS, SERVER
from rulec.lint.places import labels
from rulec.model import Family

_TYPES = {
    Family.IPV4: "-p icmp --icmp-type fragmentation-needed",
    Family.IPV6: "-p ipv6-icmp --icmpv6-type packet-too-big",
}


def find(facts: Facts) -> Iterator[Finding]:
    """Report each of these rules."""
    for spot in facts.untracked("untracked, errors"):
        yield Finding(
            "icmp-errors-lost",
            "that packets of these connections are too large is refused: this error is INVALID, not RELATED",
            labels(facts, spot.line, spot.others, ""),
            Severity.ERROR,
            hint=f"accept {_TYPES[facts.ruleset.family]} before rules that drop INVALID",
            witness=spot.witness,
        )


CHECK = Check(
    slug="icmp-errors-lost",
    group="notrack",
    severity=Severity.ERROR,
    summary="errors about untracked connections are refused, which would be let in if these were tracked",
    why=__doc__,
    find=find,
    example=Example(bad=SERVER.replace(ERRORS, ""), good=SERVER),
)
