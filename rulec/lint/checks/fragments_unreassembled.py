"""Datagrams that come in fragments are lost, since nothing puts these together.

Only the first fragment has ports: a rule that asks for one refuses all others.
Connection tracking puts fragments together before any rule sees them, and stateless
rules, or NOTRACK alone, switch that on for neither family; a single rule with
`-m conntrack` does for its own.  Measured: through such rules 900 bytes pass, and
4000 are lost when they are forwarded, and in IPv6 for this host, too.  (Of IPv4, what
is for this host has been put together by then.)
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.analysis.host import HostFacts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.places import labels


def find(facts: Facts) -> Iterator[Finding]:
    """Report the first such rule of each way, where nothing has packets put together."""
    if facts.tracking.lines or not facts.ruleset.valid or any(facts.told("puts_together")):
        return
    if HostFacts(facts.kernel, facts.configs, (facts,)).tracked_by(facts.ruleset.family):
        return
    for spot in facts.untracked("fragments", always=True):
        what = "forwarded datagrams" if spot.detail == "forward" else "datagrams"
        yield Finding(
            "fragments-unreassembled",
            f"of {what} that come in fragments only the first is accepted: the others have no port",
            labels(facts, spot.line, spot.others, "here as well"),
            Severity.ERROR,
            hint="-t mangle -A PREROUTING -p 253 -m socket has them put together, and nothing tracked",
            witness=spot.witness,
        )


_RULES = """\
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
-A FORWARD -d 192.0.2.53/32 -p udp -m udp --dport 53 -j ACCEPT
-A FORWARD -s 192.0.2.53/32 -p udp -m udp --sport 53 -j ACCEPT
COMMIT
"""

CHECK = Check(
    slug="fragments-unreassembled",
    group="notrack",
    severity=Severity.ERROR,
    summary="datagrams that come in fragments are lost, since nothing puts these together",
    why=__doc__,
    find=find,
    example=Example(bad=_RULES, good=_RULES + "*mangle\n-A PREROUTING -p 253 -m socket\nCOMMIT\n"),
)
