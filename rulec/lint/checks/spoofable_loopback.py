"""Addresses of the loopback are accepted on every interface.

Anybody on the same wire can write 127.0.0.1 into a packet.  Linux drops such
packets unless `route_localnet` is set, and then this rule lets them in.  It also
misses what it is meant for: a host that speaks to its own other addresses does so
over the loopback, too.  `-i lo` says what is meant.
"""

from collections.abc import Iterator

from rulec.analysis.facts import Facts
from rulec.diagnostics import Finding, Severity
from rulec.lint.check import Check, Example
from rulec.lint.places import labels


def find(facts: Facts) -> Iterator[Finding]:
    """Report each rule that accepts such addresses from elsewhere."""
    for rule in facts.loopback_addresses:
        yield Finding(
            "spoofable-loopback",
            "this rule accepts an address of the loopback on every interface",
            labels(facts, rule.line, (), ""),
            Severity.NOTE,
            hint="say -i lo instead of the address",
            witness=rule.witness,
        )


CHECK = Check(
    slug="spoofable-loopback",
    group="exposure",
    severity=Severity.NOTE,
    summary="addresses of the loopback are accepted on every interface",
    why=__doc__,
    find=find,
    example=Example(
        bad="*filter\n:INPUT DROP [0:0]\n-A INPUT -s 127.0.0.1 -j ACCEPT\nCOMMIT\n",
        good="*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\nCOMMIT\n",
    ),
)
