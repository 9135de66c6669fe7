"""Whoever sends from that port gets in everywhere.

The rule accepts packets for the port from which they come, new connections among
them, to any port.  The sender chooses that port.  Such rules are meant to let
answers in: `-m conntrack --ctstate ESTABLISHED` does that, and without tracking
`! --syn` for tcp and a narrow `--dport` for udp.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Confidence, Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.places import labels


def find(facts: Facts) -> Iterator[Finding]:
    """Report each rule that accepts new connections for their source port."""
    for hole in facts.source_port_holes:
        yield Finding(
            "source-port-hole",
            "this rule lets everybody in who sends from that port, to any port",
            labels(facts, hole.line, (), ""),
            Severity.WARNING,
            Confidence.LIKELY,
            hint=f"add -m conntrack --ctstate ESTABLISHED, or, where nothing is tracked, {_narrower(hole.witness)}",
            witness=hole.witness,
        )


def _narrower(witness: str) -> str:
    """What is left to say of answers."""
    clients = "the ports of the clients"
    return f"the addresses of the servers and {clients}" if witness.startswith("udp") else f"! --syn and {clients}"


CHECK = Check(
    slug="source-port-hole",
    group="exposure",
    severity=Severity.WARNING,
    summary="whoever sends from that port gets in everywhere",
    why=__doc__,
    find=find,
    example=Example(
        bad="*filter\n:INPUT DROP [0:0]\n-A INPUT -p udp --sport 53 -j ACCEPT\nCOMMIT\n",
        good=(
            "*filter\n"
            ":INPUT DROP [0:0]\n"
            "-A INPUT -p udp --sport 53 -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"
            "COMMIT\n"
        ),
    ),
)
